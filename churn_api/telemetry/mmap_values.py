"""Metric values in memory-mapped files, which other processes read while this one counts.

The files have the layout of prometheus_client's own (mmap_dict.py), which reads them. Its writer calls getpid and packs
two doubles for each increment; a prediction makes fourteen increments.
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
"""The header: the number of bytes in use, as a 4-byte integer."""
_FIRST_BYTES = 1 << 16
_USED = struct.Struct("i")
_VALUE_BYTES = 16

_lock = threading.Lock()


def entry(key: bytes, value: float) -> bytes:
    """An entry: the key's length, the key padded to a multiple of eight, the value, and a timestamp, always 0."""
    padded = key + b" " * (8 - (len(key) + 4) % 8)
    return struct.pack(f"i{len(padded)}sdd", len(key), padded, value, 0.0)


class MmapValue:
    """A value of this process. It must replace `prometheus_client.values.ValueClass` before metrics are created."""

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
        """The mapped value; None in a process that has not used it yet."""
        with _lock:
            _values.append(self)
            self.open()

    def inc(self, amount: float) -> None:
        """Add to it."""
        add(((self, amount),))

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Set the value. No gauge here uses the timestamp, so it is not stored."""
        with _lock:
            double = self.double or self.open()
            double[0] = value

    def get(self) -> float:
        """The value."""
        with _lock:
            double = self.double or self.open()
            return float(double[0])

    def get_exemplar(self) -> None:
        """None: files do not store exemplars."""

    def set_exemplar(self, exemplar: dict[str, str]) -> None:
        """Do nothing: files do not store exemplars."""

    def detach(self) -> None:
        """Drop the parent's mapping after a fork: the child counts from zero in files of its own."""
        self.double = None

    def open(self) -> "memoryview[float]":
        """Map the value in this process's file, creating its entry where needed. The caller holds the lock."""
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
    """The values of one metric type. Never closed explicitly: the system closes it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("ab") as file:
            size = file.tell() or file.truncate(_FIRST_BYTES)
        self._map(size)
        # There may be entries already: a dead process may have had the same id.
        entries = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
        self._positions = {key: position for key, _, _, position in entries}
        self._used = _USED.unpack_from(self._mapped)[0] or HEAD_BYTES

    def double(self, key: str) -> "memoryview[float]":
        """The mapped double of a key."""
        if key not in self._positions:
            self._append(key)
        position = self._positions[key]
        return memoryview(self._mapped)[position : position + 8].cast("d")

    def _append(self, key: str) -> None:
        added = entry(key.encode(), 0.0)
        end = self._used + len(added)
        while end > len(self._mapped):
            # Earlier mappings of the file stay valid: they share the memory.
            self._map(2 * len(self._mapped))
        self._mapped[self._used : end] = added
        # Written last: concurrent readers read up to this offset.
        self._mapped[: _USED.size] = _USED.pack(end)
        self._positions[key] = end - _VALUE_BYTES
        self._used = end

    def _map(self, size: int) -> None:
        with self._path.open("r+b") as file:
            file.truncate(size)
            self._mapped = mmap.mmap(file.fileno(), size)


_files: dict[str, _File] = {}
_values: list[MmapValue] = []


def _reset_after_fork() -> None:
    _files.clear()
    for value in _values:
        value.detach()
    _lock.release()


# The lock is held during a fork: otherwise the child could inherit it locked by a thread that it does not have.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_reset_after_fork)
