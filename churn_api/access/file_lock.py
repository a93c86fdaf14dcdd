"""A lock on part of a file. The kernel releases it when the process ends, however it ends."""

import errno
import fcntl
import os
import threading
import time

LOCK_SECONDS = 1.0
"""Timeout. Locks are held for microseconds."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2e-5, 5e-3

# The kernel's locks are per process: threads need a lock of their own.
_threads = threading.Lock()
os.register_at_fork(before=_threads.acquire, after_in_parent=_threads.release, after_in_child=_threads.release)


class LockHeld(OSError):
    """The lock was not released in time."""


class LockedRange:
    """A context manager with exclusive access to part of a file. Raises LockHeld."""

    __slots__ = ("_descriptor", "_length", "_start")

    def __init__(self, descriptor: int, start: int, length: int) -> None:
        self._descriptor, self._start, self._length = descriptor, start, length

    def __enter__(self) -> None:
        deadline = time.monotonic() + LOCK_SECONDS
        if not _threads.acquire(timeout=LOCK_SECONDS):
            raise LockHeld("another thread holds the lock")
        try:
            self._lock(deadline)
        except BaseException:
            _threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, self._length, self._start)
        finally:
            _threads.release()

    def _lock(self, deadline: float) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, self._length, self._start)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise
            else:
                return
            if time.monotonic() > deadline:
                raise LockHeld("another process holds the lock")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
