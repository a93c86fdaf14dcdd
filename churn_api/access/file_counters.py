"""Counters of calls in a file that all processes of a machine share: a storage for `limits`, exact without a server.

The file is a hash table of fixed size. The hash of a counter's key selects a page; the page is locked and read, and one
entry is written. The kernel releases the lock of a killed process, and a write within a page is atomic, so a kill
leaves no broken state. The file has keyed hashes instead of keys: it contains no client address, and clients cannot
choose a page.
"""

import os
import secrets
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import Any

from limits.storage import Storage

from churn_api.access.counters import Hit, NoRoom, is_over
from churn_api.access.file_lock import LockedRange

SCHEME = "churn-file"
PAGES = 8192
"""Pages of 128 counters each: with windows of a minute, more callers than a machine can serve in a minute."""
PAGE_BYTES = 4096
CHECK_SECONDS = 1.0
"""Interval between checks that the path still names the open file."""

_ENTRY = Struct("<16sdII")
"""A counter: the hash of its key, its end (Unix time), its total, and its length in seconds."""
_MOST = 2**32 - 1
_MAGIC = b"churn counters 1"
_HEAD = Struct("<16s32s")
"""The header: a magic number, and the secret that keys are hashed with."""


class NotCounters(OSError):
    """The file is not a file of counters."""


class _File:
    """An open file of counters, closed when it is garbage-collected."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        status = os.fstat(self.descriptor)
        self.identity = (status.st_dev, status.st_ino)
        self.secret = _secret(self.descriptor)

    def __del__(self) -> None:
        with suppress(AttributeError):
            os.close(self.descriptor)


def uri_of(path: Path) -> str:
    """The URI by which `limits` selects this storage."""
    return f"{SCHEME}://{path.absolute()}"


class FileStorage(Storage):
    """Counts in a file, which is created on first use."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as in the base class

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._path = Path(uri.removeprefix(f"{SCHEME}://"))
        self._opened: _File | None = None
        self._checked_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Exceptions that mean that the file is not available."""
        return OSError

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter. Raises OSError, or NoRoom where its page is full of active counters."""
        file, digest, start = self._locate(key)
        with LockedRange(file.descriptor, start, PAGE_BYTES):
            now = time.time()
            page = _read(file.descriptor, start)
            at = _index(page, digest)
            total, ends = 0, now + seconds
            if at < 0:
                at = _free(page, now)
            else:
                _, stored_ends, stored, _ = _ENTRY.unpack_from(page, at)
                if not is_over(stored_ends, seconds, now):
                    total, ends = stored, stored_ends
            total = min(total + amount, _MOST)
            os.pwrite(file.descriptor, _ENTRY.pack(digest, ends, total, seconds), start + at)
        return Hit(total, ends)

    def close(self) -> None:
        """Close the file once no thread uses it."""
        self._opened = None

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter, and return its total."""
        return self.hit(key, expiry, amount).total

    def get(self, key: str) -> int:
        """The total of a counter; 0 where there is none."""
        return self._current(key).total

    def get_expiry(self, key: str) -> float:
        """End of a counter in Unix time; now where there is none."""
        return self._current(key).ends

    def check(self) -> bool:
        """Whether the file is available. This writes: a read-only file could still be read."""
        try:
            self.hit("check", 1)
        except (OSError, NoRoom):
            return False
        return True

    def reset(self) -> int | None:
        """Remove every counter."""
        file = self._file()
        with LockedRange(file.descriptor, PAGE_BYTES, PAGES * PAGE_BYTES):
            os.ftruncate(file.descriptor, PAGE_BYTES)
        return None

    def clear(self, key: str) -> None:
        """Remove one counter."""
        file, digest, start = self._locate(key)
        with LockedRange(file.descriptor, start, PAGE_BYTES):
            at = _index(_read(file.descriptor, start), digest)
            if at >= 0:
                os.pwrite(file.descriptor, bytes(_ENTRY.size), start + at)

    def _current(self, key: str) -> Hit:
        file, digest, start = self._locate(key)
        page = _read(file.descriptor, start)
        at, now = _index(page, digest), time.time()
        if at >= 0:
            _, ends, total, seconds = _ENTRY.unpack_from(page, at)
            if not is_over(ends, seconds, now):
                return Hit(total, ends)
        return Hit(0, now)

    def _locate(self, key: str) -> tuple[_File, bytes, int]:
        """The file, the key's hash, and the offset of its page."""
        file = self._file()
        digest = blake2b(key.encode(errors="surrogatepass"), digest_size=16, key=file.secret).digest()
        return file, digest, (1 + int.from_bytes(digest[:4], "little") % PAGES) * PAGE_BYTES

    def _file(self) -> _File:
        """The open file, reopened where the path was replaced, so that all processes use the same file."""
        now, opened = time.monotonic(), self._opened
        if opened is not None and now - self._checked_at < CHECK_SECONDS:
            return opened
        self._checked_at = now
        if opened is None or _identity(self._path) != opened.identity:
            self._opened = opened = _File(self._path)
        return opened


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _secret(descriptor: int) -> bytes:
    """The file's secret, generated by the process that creates the file. Raises NotCounters."""
    with LockedRange(descriptor, 0, PAGE_BYTES):
        head = os.pread(descriptor, _HEAD.size, 0)
        if not head.strip(b"\0"):
            head = _HEAD.pack(_MAGIC, secrets.token_bytes(32))
            os.pwrite(descriptor, head, 0)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise NotCounters("the file is not a file of counters: remove it")
    secret: bytes = _HEAD.unpack(head)[1]
    return secret


def _read(descriptor: int, start: int) -> bytes:
    return os.pread(descriptor, PAGE_BYTES, start).ljust(PAGE_BYTES, b"\0")


def _index(page: bytes, digest: bytes) -> int:
    """Offset of a counter in a page; -1 where the page does not have it."""
    at = page.find(digest)
    while at >= 0 and at % _ENTRY.size:
        at = page.find(digest, at + 1)
    return at


def _free(page: bytes, now: float) -> int:
    """Offset of a free entry in a page, or of a counter that has ended. Raises NoRoom."""
    for number, (_, ends, _, seconds) in enumerate(_ENTRY.iter_unpack(page)):
        if is_over(ends, seconds, now):
            return number * _ENTRY.size
    raise NoRoom
