"""Compaction of the prediction log: segments -> Parquet, by model and day.

It may be killed at any moment. Each file lists the frames that it was made of, and is replaced atomically; segments are
deleted when all their frames are in files. What is read again is recognized there, and left out.
"""

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.erasures import Erased
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.log_parts import Sources, VersionParts
from churn_api.monitoring.log_rows import LogRows, RowsKey, day_of
from churn_api.monitoring.logged_predictions import without_erased
from churn_api.monitoring.prediction_frame import CutOff, LoggedFeature
from churn_api.monitoring.segment_cipher import OtherSegment
from churn_api.monitoring.segments import SegmentFrame, read_segment

MAX_ROWS = 100_000
"""Rows in memory at once; a frame is never divided."""

log = logging.getLogger(__name__)


class _VersionKey(NamedTuple):
    model: str
    day: date
    version: str


class SegmentCompaction:
    """Moves the frames of closed segments into files. Use one for each run, in the process that holds the lock."""

    def __init__(self, folder: LogFolder, keys: CustomerKeys, secret: bytes, erased: Erased) -> None:
        self._folder = folder
        self._keys = keys
        self._secret = secret
        self._erased = erased
        self._parts: dict[_VersionKey, VersionParts] = {}
        self._rows: dict[RowsKey, LogRows] = {}
        self._blocks: set[tuple[str, int]] = set()
        self._reached: dict[str, int] = {}
        """By segment, the number of the last frame that was read."""
        self._existing: set[str] = set()
        self._pending = 0
        self.rows = 0
        """Rows that were added to files."""

    def run(self, segments: Sequence[Path]) -> None:
        """Compact all closed segments, and delete them. Raises OSError."""
        self._existing = {path.name for path in segments}
        done: list[Path] = []
        for path in segments:
            try:
                self._add(path)
                done.append(path)
            except OtherSegment as error:
                # Kept for those who have the secret, and not read again.
                path.rename(path.with_suffix(".unreadable"))
                log.error("a segment of the prediction log cannot be read, and is set aside: %s", error)
            except FileNotFoundError:
                continue
            if self._pending >= MAX_ROWS:
                self._finish(done)
        self._finish(done)

    def _add(self, path: Path) -> None:
        features: dict[tuple[str, str], tuple[LoggedFeature, ...]] = {}
        for logged in read_segment(path, self._secret):
            if isinstance(logged, CutOff):
                log.warning(
                    "the last %d bytes of a segment are no complete answer: its process was killed", logged.bytes
                )
                continue
            frame = logged.frame
            if frame.records is not None and frame.records.features is not None:
                features[frame.model, frame.version] = frame.records.features
            described = None if frame.records is None else features[frame.model, frame.version]
            self._add_frame(path.name, logged, described)
            self._reached[path.name] = frame.number
            if self._pending >= MAX_ROWS:
                self._write()

    def _add_frame(self, segment: str, logged: SegmentFrame, features: tuple[LoggedFeature, ...] | None) -> None:
        frame = logged.frame
        key = RowsKey(frame.model, day_of(frame), frame.version, features)
        if self._is_known(segment, logged, self._parts_of(key)):
            return
        if key not in self._rows:
            self._rows[key] = LogRows(key)
        self._rows[key].add(logged, self._keys)
        self._pending += len(logged.identifiers)

    def _is_known(self, segment: str, logged: SegmentFrame, parts: VersionParts) -> bool:
        frame = logged.frame
        if frame.number <= parts.last_frame(segment):
            return True
        if frame.block is None or frame.request_id is None:
            return False
        block = (frame.request_id, frame.block)
        known = block in self._blocks or parts.has_block(*block)
        self._blocks.add(block)
        return known

    def _parts_of(self, key: RowsKey) -> VersionParts:
        version = _VersionKey(key.model, key.day, key.version)
        if version not in self._parts:
            self._parts[version] = VersionParts(self._folder.day(key.model, key.day), key.version)
        return self._parts[version]

    def _finish(self, done: list[Path]) -> None:
        """Write what is pending, and delete the segments that it completes."""
        self._write()
        for path in done:
            path.unlink()
            self._reached.pop(path.name, None)
        done.clear()

    def _write(self) -> None:
        for key, rows in self._rows.items():
            sources = Sources(dict(self._reached), rows.blocks)
            table = without_erased(rows.table(), self._erased)
            self._parts_of(key).append(table, sources, self._existing)
            self.rows += len(table)
        self._rows.clear()
        self._pending = 0
