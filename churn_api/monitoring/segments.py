"""The segments of all processes that share a log folder: which are closed, and what they contain."""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from churn_api.monitoring.open_segment import BEGUN, CLOSED, OPEN
from churn_api.monitoring.prediction_frame import CutOff, Frame, decode_frames
from churn_api.monitoring.segment_cipher import HEADER_BYTES, SegmentCipher

_SILENT_SECONDS = 600.0
"""A process of another host, whose lock may not be visible here, is dead when it has written nothing for so long."""


class SegmentFrame(NamedTuple):
    """A frame, with the identifiers of its customers."""

    frame: Frame
    identifiers: list[Any]


class Waiting(NamedTuple):
    """What is not compacted yet."""

    bytes: int
    oldest_seconds: float
    """How long ago the oldest segment was begun; 0 where there is none."""


def closed_segments(folder: Path) -> list[Path]:
    """Segments that no process writes any more, the oldest first."""
    return sorted(folder.glob(f"*{CLOSED}"))


def close_abandoned(folder: Path) -> None:
    """Close the segments of processes that have died. Raises OSError."""
    for path in folder.glob(f"*{OPEN}"):
        if _is_abandoned(path):
            # Its process may have closed it just now.
            with contextlib.suppress(FileNotFoundError):
                path.rename(path.with_suffix(CLOSED))
    for path in folder.glob(f"*{BEGUN}"):
        if _silent_seconds(path) > _SILENT_SECONDS:
            path.unlink(missing_ok=True)


def read_segment(path: Path, secret: bytes) -> Iterator[SegmentFrame | CutOff]:
    """The frames of a segment in order, and at its end what is cut off. Raises OtherSegment, OSError."""
    data = memoryview(path.read_bytes())
    if len(data) < HEADER_BYTES:
        yield CutOff(len(data))
        return
    cipher = SegmentCipher(secret, bytes(data[:HEADER_BYTES]))
    for frame in decode_frames(data[HEADER_BYTES:]):
        if isinstance(frame, CutOff):
            yield frame
        else:
            count = len(frame.probabilities) // 4
            yield SegmentFrame(frame, cipher.decrypt(frame.number, frame.identifiers, count))


def waiting(folder: Path) -> Waiting:
    """How much all processes have written that is not compacted yet."""
    size, oldest = 0, time.time_ns()
    for path in (*folder.glob(f"*{OPEN}"), *folder.glob(f"*{CLOSED}")):
        try:
            size += path.stat().st_size
        except FileNotFoundError:
            continue  # compacted in the meantime
        oldest = min(oldest, int(path.name.partition("-")[0]))
    return Waiting(size, (time.time_ns() - oldest) / 1e9)


def _is_abandoned(path: Path) -> bool:
    """Whether the process has released its lock, which the kernel does when it dies."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    own = path.stem.endswith(f"@{socket.gethostname()[:64]}")
    return own or _silent_seconds(path) > _SILENT_SECONDS


def _silent_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
