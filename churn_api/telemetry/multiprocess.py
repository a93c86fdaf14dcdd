"""The metrics of a group of processes: reading them together, and compacting the files of dead processes.

No reader may see a counter decrease or count twice. So compaction takes an exclusive lock, readers take a shared lock,
and compaction takes effect by one rename. The files that remain to be deleted are listed in a file: the next process
with the exclusive lock deletes them.
"""

import fcntl
import shutil
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from churn_api.telemetry.mmap_values import HEAD_BYTES, entry

SUMMED = ("counter", "histogram")
"""Types whose values outlive their process; gauges only count for living processes."""
WAIT_SECONDS = 2.0
"""Timeout of a scrape that waits for a compaction, which takes milliseconds."""
_POLL_SECONDS = 0.002
_CONSUMED = "consumed"


class Busy(Exception):
    """Another process holds the lock for too long."""


def read(folder: Path) -> Iterable[Metric]:
    """The metrics of all processes, dead or alive; dead ones are compacted first. Raises Busy."""
    # A shared lock first: exclusive ones are granted in no order, and one of many scrapes could wait for ever.
    with _locked(folder, fcntl.LOCK_SH, WAIT_SECONDS):
        if not _needs_compaction(folder):
            return _merged(folder)
    with _locked(folder, fcntl.LOCK_EX, WAIT_SECONDS):
        _compact(folder)
        return _merged(folder)


def compact(folder: Path) -> None:
    """Compact the files of dead processes; may be retried. Raises Busy where the lock is held, or OSError."""
    with _locked(folder, fcntl.LOCK_EX, 0):
        _compact(folder)


@contextmanager
def _locked(folder: Path, how: int, seconds: float) -> Iterator[None]:
    """Hold the lock, shared or exclusive; the kernel releases it when the process ends. Raises Busy after `seconds`."""
    deadline = time.monotonic() + seconds
    with (folder / "lock").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy("another process holds the metrics") from None
                time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            # Closing is not enough where a forked process has inherited the open file.
            fcntl.flock(file, fcntl.LOCK_UN)


def _merged(folder: Path) -> list[Metric]:
    files = [str(path) for path in (*folder.glob("*.db"), *folder.glob("compacted-*/*.db")) if _has_values(path)]
    return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]


def _needs_compaction(folder: Path) -> bool:
    """Whether a process has died since the last compaction, or that compaction was interrupted."""
    newest = _compacted(folder)
    return (newest is not None and (newest / _CONSUMED).exists()) or any(map(_is_of_dead, folder.glob("*.db")))


def _compact(folder: Path) -> None:
    _finish(folder)
    dead = [path for path in folder.glob("*.db") if _is_of_dead(path)]
    summed = [path for path in dead if path.name.startswith(SUMMED)]
    if summed:
        _commit(folder, summed)
        _finish(folder)
    for gauge in set(dead) - set(summed):
        gauge.unlink(missing_ok=True)


def _has_values(path: Path) -> bool:
    """False for a file that was just created, and for a gauge that was just removed: neither needs the lock."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _is_of_dead(path: Path) -> bool:
    pid = path.stem.rpartition("_")[2]
    return pid.isdigit() and not psutil.pid_exists(int(pid))


def _commit(folder: Path, dead: Sequence[Path]) -> None:
    """Write the sums of the last compaction and of the dead processes, and publish them by one rename."""
    before = _compacted(folder)
    draft = folder / "compacting"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for kind in SUMMED:
        paths = [path for path in dead if path.name.startswith(kind)]
        paths += [] if before is None else before.glob(f"{kind}_*.db")
        if paths:
            _write(draft / f"{kind}_compacted.db", _sums(paths))
    (draft / _CONSUMED).write_text("\n".join(path.name for path in dead))
    draft.rename(folder / f"compacted-{_number(before) + 1}")


def _finish(folder: Path) -> None:
    """Delete the files that the newest compaction includes, then their list: process ids are reused."""
    newest = _compacted(folder)
    if newest is None:
        return
    listed = newest / _CONSUMED
    if listed.exists():
        for name in listed.read_text().splitlines():
            (folder / name).unlink(missing_ok=True)
        for other in folder.glob("compacted-*"):
            if other != newest:
                shutil.rmtree(other)
        listed.unlink()


def _compacted(folder: Path) -> Path | None:
    return max(folder.glob("compacted-*"), key=_number, default=None)


def _number(compacted: Path | None) -> int:
    return 0 if compacted is None else int(compacted.name.removeprefix("compacted-"))


def _sums(paths: Iterable[Path]) -> Mapping[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for path in paths:
        if _has_values(path):
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
                sums[key] += value
    return sums


def _write(path: Path, sums: Mapping[str, float]) -> None:
    """Write a file in prometheus_client's layout without mapping it: a full disk must not kill the process."""
    entries = b"".join(entry(key.encode(), value) for key, value in sums.items())
    path.write_bytes(struct.pack("ii", HEAD_BYTES + len(entries), 0) + entries)
