"""The service's secrets: configured, or generated once in the instance folder of a single machine; no defaults."""

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from churn_api.config import StartError
from churn_api.settings import PREFIX

log = logging.getLogger(__name__)


class MissingSecret(StartError):
    """A secret that must be configured; the text has the line to add."""


def secret(
    name: str, setting: str, instance: Path, *, single_machine: bool, before_creating: Callable[[], None] | None = None
) -> bytes:
    """The secret in `setting`, or where that is empty the one in a file of `instance`, generated if it does not exist.

    `before_creating` is called before a new secret is generated, and may raise to prevent it.
    Raises MissingSecret where several machines must share the secret, or where the file cannot be written.
    """
    if setting:
        return setting.encode()
    line = f"set {PREFIX}{name}, on every machine to the same value, as in {PREFIX}{name}={secrets.token_hex(32)}"
    if not single_machine:
        raise MissingSecret(line)
    path = instance / name.lower()
    try:
        instance.mkdir(parents=True, exist_ok=True)
        stored = _read(path)
        if stored is None:
            if before_creating is not None:
                before_creating()
            stored = _create(path)
        return stored
    except OSError as error:
        raise MissingSecret(f"{path} cannot be kept ({error.strerror}): {line}") from error


def _read(path: Path) -> bytes | None:
    try:
        stored = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if len(stored) < 32:
        raise MissingSecret(f"{path} is cut off: restore it, or remove it for a new one")
    return stored


def _create(path: Path) -> bytes:
    """Write a new secret atomically, and return the one in the file: another process may have written it first."""
    new = secrets.token_hex(32).encode()
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        # Where another process was first, its secret is used.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
            log.warning("generated a secret for this machine: %s", path)
    finally:
        draft.unlink()
    stored = _read(path)
    return new if stored is None else stored
