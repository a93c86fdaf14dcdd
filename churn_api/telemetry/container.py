"""Memory limit and memory use of this process's container (Linux control groups, versions 1 and 2).

https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


class Memory(NamedTuple):
    """Bytes used by the container, without the inactive page cache, and its limit."""

    used: int
    limit: int


class _Version(NamedTuple):
    """File names of one version of control groups."""

    controller: str
    folder: str
    used: str
    limit: str
    inactive: str


_VERSIONS = (
    _Version("", "", "memory.current", "memory.max", "inactive_file"),
    _Version("memory", "memory", "memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file"),
)


def memory_here() -> Memory:
    """Memory use and limit of the container, else of the machine."""
    machine = psutil.virtual_memory()
    return container_memory(machine.total) or Memory(machine.total - machine.available, machine.total)


def container_memory(machine_bytes: int, root: Path = ROOT, own: Path = OWN) -> Memory | None:
    """The tightest limit of this process; None where no limit is below the machine's memory."""
    groups = [memory for group, version in _groups(root, own) if (memory := _memory(group, version)) is not None]
    limited = [memory for memory in groups if memory.limit < machine_bytes]
    return min(limited, key=lambda memory: memory.limit - memory.used, default=None)


def _groups(root: Path, own: Path) -> Iterator[tuple[Path, _Version]]:
    """The process's group and its ancestors. Inside a container, the outermost visible group is the container's."""
    with suppress(OSError):
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for version in _VERSIONS:
                if version.controller in controllers.split(","):
                    top = root / version.folder
                    group = top / path.lstrip("/")
                    yield from ((folder, version) for folder in [group, *group.parents] if folder.is_relative_to(top))


def _memory(group: Path, version: _Version) -> Memory | None:
    """Memory of one group; None where it has no limit, or where its files cannot be read."""
    try:
        limit = int((group / version.limit).read_text())
        used = int((group / version.used).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return Memory(used - int(stat[version.inactive]), limit)
    except (OSError, ValueError, KeyError):
        return None
