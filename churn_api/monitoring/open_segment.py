"""The segment that one process writes: a file of frames, with a lock that shows whether the process still lives."""

import contextlib
import errno
import fcntl
import os
import secrets
import socket
import time
from pathlib import Path
from time import monotonic
from typing import Any

from churn_api.monitoring.prediction_frame import Frame, encode_frame
from churn_api.monitoring.segment_cipher import SegmentCipher, new_header

OPEN, CLOSED, BEGUN = ".open", ".frames", ".begun"
"""Suffixes: a process may write; no process will write; a process is about to lock it."""


class OpenSegment:
    """One file, which every frame is appended to by one write. Not safe to share between threads.

    A process that is killed loses nothing that it has written. Raises OSError.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        for created in (folder.parent, folder):
            created.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In the order of time; the host, because a lock may not be seen from another.
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}@{socket.gethostname()[:64]}"
        begun, self._path = folder / f"{name}{BEGUN}", folder / f"{name}{OPEN}"
        self._file = os.open(begun, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        header = new_header(secret)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.write(self._file, header) < len(header):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            # Only now: a file without a lock is taken for one of a process that has died.
            begun.rename(self._path)
        except OSError:
            os.close(self._file)
            with contextlib.suppress(OSError):
                begun.unlink()
            raise
        self._cipher = SegmentCipher(secret, header)
        self._described: set[tuple[str, str]] = set()
        self._number = 0
        self.bytes = len(header)
        self.is_torn = False
        """Whether nothing that is appended can be read any more."""
        self.began = monotonic()

    def append(self, frame: Frame, identifiers: list[Any]) -> None:
        """Append a frame, with its number and its identifiers filled in. Raises OSError; nothing is appended then."""
        self._number += 1  # even where the write fails: no nonce is used twice
        frame.number = self._number
        frame.identifiers = self._cipher.encrypt(frame.number, identifiers)
        records = frame.records
        if records is not None and (frame.model, frame.version) in self._described:
            records.features = None
        data = encode_frame(frame)
        try:
            written = os.write(self._file, data)
            if written < len(data):
                # Regular files are written short only where the disk is full; the next write says so.
                os.write(self._file, data[written:])
        except OSError:
            self._take_back()
            raise
        self.bytes += len(data)
        if records is not None:
            self._described.add((frame.model, frame.version))

    def close(self) -> None:
        """Close the file for compaction. Raises OSError; compaction then takes it for one of a process that died."""
        try:
            os.fsync(self._file)
            self._path.rename(self._path.with_suffix(CLOSED))
        finally:
            os.close(self._file)

    def _take_back(self) -> None:
        """Remove the part of a frame that could be written: what follows it would not be read."""
        try:
            os.ftruncate(self._file, self.bytes)
        except OSError:
            self.is_torn = True
