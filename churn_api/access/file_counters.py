"""Counters of calls in a file that all processes of a machine share: a storage for `limits`, exact without a server.

The file is a hash table of fixed size. A counter's key chooses its page; the page is locked, read, and the one entry
written. A process that is killed loses its lock, and a write within a page is done or not done: nothing that it leaves
is broken. The file holds keyed hashes in place of keys: no address, and no client can choose a page.
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
"""So many pages of 128 counters: with windows of a minute, more callers than a machine can answer in one."""
PAGE_BYTES = 4096
LOOK_EVERY_SECONDS = 1.0
"""How often it is looked whether the file is still the one that its path names."""

_ENTRY = Struct("<16sdII")
"""A counter: the hash of its key, when it ends, its count, and its length in seconds."""
_MOST = 2**32 - 1
_MAGIC = b"churn counters 1"
_HEAD = Struct("<16s32s")
"""At the beginning of the file: what it is, and the secret that keys are hashed with."""


class NotCounters(OSError):
    """The file holds something else."""


class _File:
    """An open file of counters, closed when nothing refers to it any more."""

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
    """How `limits` finds the counters of a file."""
    return f"{SCHEME}://{path.absolute()}"


class FileStorage(Storage):
    """Counts in a file, which is made when it is first needed."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the base class's

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._path = Path(uri.removeprefix(f"{SCHEME}://"))
        self._opened: _File | None = None
        self._looked = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What means that the file cannot be used."""
        return OSError

    def hit(self, key: str, seconds: int, amount: int = 1) -> Hit:
        """Add to a counter. Raises OSError, or NoRoom where its page is full of others that go on."""
        file, digest, start = self._place(key)
        with LockedRange(file.descriptor, start, PAGE_BYTES):
            now = time.time()
            page = _read(file.descriptor, start)
            at = _index(page, digest)
            total, ends = 0, now + seconds
            if at < 0:
                at = _free(page, now)
            else:
                _, found_ends, found, _ = _ENTRY.unpack_from(page, at)
                if not is_over(found_ends, seconds, now):
                    total, ends = found, found_ends
            total = min(total + amount, _MOST)
            os.pwrite(file.descriptor, _ENTRY.pack(digest, ends, total, seconds), start + at)
        return Hit(total, ends)

    def close(self) -> None:
        """Close the file, as soon as no other thread is counting in it."""
        self._opened = None

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter, and return the count."""
        return self.hit(key, expiry, amount).total

    def get(self, key: str) -> int:
        """The count; 0 where there is none."""
        return self._found(key).total

    def get_expiry(self, key: str) -> float:
        """Unix time at which a counter ends; now where there is none."""
        return self._found(key).ends

    def check(self) -> bool:
        """Whether the file can be counted in: it can be read where it cannot be written, so this writes."""
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
        file, digest, start = self._place(key)
        with LockedRange(file.descriptor, start, PAGE_BYTES):
            at = _index(_read(file.descriptor, start), digest)
            if at >= 0:
                os.pwrite(file.descriptor, bytes(_ENTRY.size), start + at)

    def _found(self, key: str) -> Hit:
        file, digest, start = self._place(key)
        page = _read(file.descriptor, start)
        at, now = _index(page, digest), time.time()
        if at >= 0:
            _, ends, total, seconds = _ENTRY.unpack_from(page, at)
            if not is_over(ends, seconds, now):
                return Hit(total, ends)
        return Hit(0, now)

    def _place(self, key: str) -> tuple[_File, bytes, int]:
        """The file, the key's hash, and where its page begins."""
        file = self._file()
        digest = blake2b(key.encode(errors="surrogatepass"), digest_size=16, key=file.secret).digest()
        return file, digest, (1 + int.from_bytes(digest[:4], "little") % PAGES) * PAGE_BYTES

    def _file(self) -> _File:
        """The file of the path; another one where that was replaced, so that all processes count in the same."""
        now, opened = time.monotonic(), self._opened
        if opened is not None and now - self._looked < LOOK_EVERY_SECONDS:
            return opened
        self._looked = now
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
    """The file's secret, which whoever opens it first makes. Raises NotCounters."""
    with LockedRange(descriptor, 0, PAGE_BYTES):
        head = os.pread(descriptor, _HEAD.size, 0)
        if not head.strip(b"\0"):
            head = _HEAD.pack(_MAGIC, secrets.token_bytes(32))
            os.pwrite(descriptor, head, 0)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise NotCounters("the file holds something else than counters: remove it")
    secret: bytes = _HEAD.unpack(head)[1]
    return secret


def _read(descriptor: int, start: int) -> bytes:
    return os.pread(descriptor, PAGE_BYTES, start).ljust(PAGE_BYTES, b"\0")


def _index(page: bytes, digest: bytes) -> int:
    """Where in a page a counter is; -1 where it has none."""
    at = page.find(digest)
    while at >= 0 and at % _ENTRY.size:
        at = page.find(digest, at + 1)
    return at


def _free(page: bytes, now: float) -> int:
    """Where in a page a counter can begin: in place of one that has ended. Raises NoRoom."""
    for number, (_, ends, _, seconds) in enumerate(_ENTRY.iter_unpack(page)):
        if is_over(ends, seconds, now):
            return number * _ENTRY.size
    raise NoRoom
