"""The metrics of a group of processes: read together, and those of dead ones compacted into one file of each type.

A counter must never be seen to go down, nor to count twice. So compaction takes an exclusive lock, readers share it,
and compaction takes effect by one rename. The work that remains after it is listed in a file of its own: the next
process with the exclusive lock does it.
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
"""What outlives its process; gauges are of the living."""
WAIT_SECONDS = 2.0
"""How long a scrape waits for a fold: one takes milliseconds, unless its process was stopped."""
_LOOK_AGAIN_SECONDS = 0.002
_CONSUMED = "consumed"


class Busy(Exception):
    """Another process holds the metrics, and does not come to an end."""


def read(folder: Path) -> Iterable[Metric]:
    """The metrics of all processes, dead or alive, after a fold. Raises Busy."""
    # Scrapes that came one after the other would come in no order: one of many could wait for ever.
    with _locked(folder, fcntl.LOCK_SH, WAIT_SECONDS):
        if not _needs_compaction(folder):
            return _merged(folder)
    with _locked(folder, fcntl.LOCK_EX, WAIT_SECONDS):
        _compact(folder)
        return _merged(folder)


def compact(folder: Path) -> None:
    """Fold what dead processes left, unless another reads or folds. Raises Busy or OSError; it may be tried again."""
    with _locked(folder, fcntl.LOCK_EX, 0):
        _compact(folder)


@contextmanager
def _locked(folder: Path, how: int, seconds: float) -> Iterator[None]:
    """The lock, shared or not, at the latest after so long. It ends with the process that holds it."""
    deadline = time.monotonic() + seconds
    with (folder / "lock").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy("another process holds the metrics") from None
                time.sleep(_LOOK_AGAIN_SECONDS)
        try:
            yield
        finally:
            # Closing would not do where a fork has taken the open file along.
            fcntl.flock(file, fcntl.LOCK_UN)


def _merged(folder: Path) -> list[Metric]:
    files = [str(path) for path in (*folder.glob("*.db"), *folder.glob("compacted-*/*.db")) if _has_values(path)]
    return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]


def _needs_compaction(folder: Path) -> bool:
    """Whether a process has died since the last fold, or that fold was not finished."""
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
    """Not a file that was opened this very moment, nor a gauge that was removed: readers of those hold no lock."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _is_of_dead(path: Path) -> bool:
    pid = path.stem.rpartition("_")[2]
    return pid.isdigit() and not psutil.pid_exists(int(pid))


def _commit(folder: Path, dead: Sequence[Path]) -> None:
    """Put the sums of what was compacted and of the dead in the place of the former, by one rename."""
    before = _compacted(folder)
    made = folder / "compacting"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for kind in SUMMED:
        found = [path for path in dead if path.name.startswith(kind)]
        found += [] if before is None else before.glob(f"{kind}_*.db")
        if found:
            _write(made / f"{kind}_compacted.db", _sums(found))
    (made / _CONSUMED).write_text("\n".join(path.name for path in dead))
    made.rename(folder / f"compacted-{_number(before) + 1}")


def _finish(folder: Path) -> None:
    """Remove what the newest fold has in it, and then the list: a process to come may have the id of a dead one."""
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
    """A file as prometheus_client's, but not by way of memory: a disk that is full must not kill who writes."""
    entries = b"".join(entry(key.encode(), value) for key, value in sums.items())
    path.write_bytes(struct.pack("ii", HEAD_BYTES + len(entries), 0) + entries)
