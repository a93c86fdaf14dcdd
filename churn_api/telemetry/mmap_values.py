"""Numbers that other processes read while this one counts: each a double in a file that is mapped into memory.

The files are laid out as prometheus_client lays out its own (mmap_dict.py), which reads them. To write, it asks the
system for the process's id and packs two doubles, each time; a prediction counts fourteen times.
"""

import mmap
import os
import struct
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from prometheus_client.mmap_dict import MmapedDict, mmap_key

from churn_api.config import metrics_group

HEAD_BYTES = 8
"""Before the first entry: how many bytes are in use, as an integer of four."""
_FIRST_BYTES = 1 << 16
_USED = struct.Struct("i")
_VALUE_BYTES = 16

_lock = threading.Lock()


def entry(key: bytes, value: float) -> bytes:
    """An entry of a file: the key's length, the key padded to a multiple of eight, the value, and a time, always 0."""
    padded = key + b" " * (8 - (len(key) + 4) % 8)
    return struct.pack(f"i{len(padded)}sdd", len(key), padded, value, 0.0)


class MmapValue:
    """A number of this process's. Takes the place of `prometheus_client.values.ValueClass` before metrics are made."""

    _multiprocess = True

    def __init__(
        self,
        kind: str,
        metric: str,
        sample: str,
        names: Sequence[str],
        labels: Sequence[str],
        help_text: str,
        multiprocess_mode: str = "",
        **_: Any,
    ) -> None:
        self._file = f"{kind}_{multiprocess_mode}" if kind == "gauge" else kind
        self._key = mmap_key(metric, sample, list(names), list(labels), help_text)
        self.double: memoryview[float] | None = None
        """Where it lives; None in a process that has not counted it yet."""
        with _lock:
            _values.append(self)
            self.open()

    def inc(self, amount: float) -> None:
        """Add to it."""
        add(((self, amount),))

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Put another in its place. No gauge here is told by the time of its setting, so none is kept."""
        with _lock:
            double = self.double or self.open()
            double[0] = value

    def get(self) -> float:
        """The number."""
        with _lock:
            double = self.double or self.open()
            return float(double[0])

    def get_exemplar(self) -> None:
        """None is kept: a file has no place for them."""

    def set_exemplar(self, exemplar: dict[str, str]) -> None:
        """None is kept."""

    def forget(self) -> None:
        """Let go of a parent's number: a forked process has its own, from nothing."""
        self.double = None

    def open(self) -> "memoryview[float]":
        """Find or make its place in this process's own file, which the lock is needed for."""
        file = _files.get(self._file)
        if file is None:
            group = cast("Path", metrics_group())
            file = _files[self._file] = _File(group / f"{self._file}_{os.getpid()}.db")
        self.double = file.double(self._key)
        return self.double


def add(steps: "Iterable[tuple[MmapValue, float]]") -> None:
    """Add to values, all under one lock."""
    with _lock:
        for value, amount in steps:
            double = value.double or value.open()
            double[0] += amount


class _File:
    """The numbers of one kind. It is never closed: the system does that when the process ends, however it does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("ab") as file:
            size = file.tell() or file.truncate(_FIRST_BYTES)
        self._map(size)
        # There may be entries: a process that died may have had this one's id.
        found = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        self._places = {key: place for key, _, _, place in found}
        self._used = _USED.unpack_from(self._mapped)[0] or HEAD_BYTES

    def double(self, key: str) -> "memoryview[float]":
        """The place of a value, one double."""
        if key not in self._places:
            self._append(key)
        place = self._places[key]
        return memoryview(self._mapped)[place : place + 8].cast("d")

    def _append(self, key: str) -> None:
        added = entry(key.encode(), 0.0)
        end = self._used + len(added)
        while end > len(self._mapped):
            # What was mapped before stays so, and is the same memory.
            self._map(2 * len(self._mapped))
        self._mapped[self._used : end] = added
        # Only now: who reads meanwhile reads as far as this says.
        self._mapped[: _USED.size] = _USED.pack(end)
        self._places[key] = end - _VALUE_BYTES
        self._used = end

    def _map(self, size: int) -> None:
        with self._path.open("r+b") as file:
            file.truncate(size)
            self._mapped = mmap.mmap(file.fileno(), size)


_files: dict[str, _File] = {}
_values: list[MmapValue] = []


def _begin_anew() -> None:
    _files.clear()
    for value in _values:
        value.forget()
    _lock.release()


# Nobody counts while a process forks: the child would inherit a lock that nobody gives back.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_begin_anew)
