"""The service's own secrets: set, or made once in the instance folder of a single machine. There is no default."""

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from churn_api.config import PREFIX, StartError

log = logging.getLogger(__name__)


class MissingSecret(StartError):
    """A secret that must be set; the text has the line to add."""


def secret(
    name: str, setting: str, instance: Path, *, single_machine: bool, before_making: Callable[[], None] | None = None
) -> bytes:
    """The secret `setting`, or where it is empty the one of a file in `instance`, made if need be.

    `before_making` may raise what speaks against a new one.
    Raises MissingSecret where several machines must agree on it, or where the file cannot be written.
    """
    if setting:
        return setting.encode()
    line = f"set {PREFIX}{name}, on every machine to the same value, as in {PREFIX}{name}={secrets.token_hex(32)}"
    if not single_machine:
        raise MissingSecret(line)
    path = instance / name.lower()
    try:
        instance.mkdir(parents=True, exist_ok=True)
        found = _read(path)
        if found is None:
            if before_making is not None:
                before_making()
            found = _make(path)
        return found
    except OSError as error:
        raise MissingSecret(f"{path} cannot be kept ({error.strerror}): {line}") from error


def _read(path: Path) -> bytes | None:
    try:
        found = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if len(found) < 32:
        raise MissingSecret(f"{path} is cut off: restore it, or remove it for a new one")
    return found


def _make(path: Path) -> bytes:
    """Write a new secret whole or not at all, and return the one that is there: another process may be first."""
    made = secrets.token_hex(32).encode()
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        # Where another process was first, its secret is the one.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
            log.warning("made a secret of this machine's own: %s", path)
    finally:
        draft.unlink()
    found = _read(path)
    return made if found is None else found
