"""Bundles on disk, `models/<name>/<version>/`: written atomically, and verified by digest when they are read."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from churn_api.contract.signature import Signature
from churn_api.registry.card import Card, UnreadableCard
from churn_api.registry.card_kinds import AnyCard, decode_any_card
from churn_api.registry.tensor_card import TensorCard

CARD_FILE = "card.json"
ONNX_FILE = "model.onnx"
JOBLIB_FILE = "model.joblib"
REASONS_FILE = "reasons.onnx"
"""Optional, and checked where it is loaded: where it cannot be used, the model serves without reasons."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VERSION = re.compile(r"[1-9][0-9]{0,8}")

_UNFINISHED = ".unfinished-"
_ABANDONED_AFTER = 24 * 3600.0


NOT_OF_CUSTOMERS = "it is a tensor model, which scores no customers"


class BundleError(Exception):
    """The bundle must not be used; the text says why and contains no path."""


def model_names(models_dir: Path) -> list[str]:
    """Names of the models that have a version in the models folder, sorted."""
    if not models_dir.is_dir():
        return []
    return sorted(entry.name for entry in models_dir.iterdir() if versions_of(models_dir, entry.name))


def versions_of(models_dir: Path, name: str) -> list[str]:
    """The versions of a model, oldest first; empty where there is no such model."""
    folder = models_dir / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        return []
    return sorted((entry.name for entry in folder.iterdir() if VERSION.fullmatch(entry.name)), key=int)


def bundle_digests(models_dir: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of every card in the models folder, by model and version, oldest first."""
    digests: dict[str, dict[str, str]] = {}
    for name in model_names(models_dir):
        for version in versions_of(models_dir, name):
            # A version without a card does not count.
            with contextlib.suppress(OSError):
                card = (models_dir / name / version / CARD_FILE).read_bytes()
                digests.setdefault(name, {})[version] = hashlib.sha256(card).hexdigest()
    return digests


class CardSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a card that says which records the model accepts. Decoding it takes a third of the time."""

    name: str
    version: str
    signature: Signature


_Content = TypeVar("_Content")
_Written = TypeVar("_Written", bound=AnyCard)


def read_any_card(folder: Path, digest: str | None = None, *, anywhere: bool = False) -> AnyCard:
    """The card of a bundle. Unless `anywhere`, its folder must be named `<name>/<version>`.

    Raises BundleError where the card cannot be read, or where its digest is not `digest`.
    """
    card = _read(folder, digest, lambda data: decode_any_card(data, Card))
    if not anywhere and (card.name, card.version) != (folder.parent.name, folder.name):
        raise BundleError(f"{CARD_FILE} is that of version {card.version} of {card.name!r}")
    return card


def read_card(folder: Path, digest: str | None = None, *, anywhere: bool = False) -> Card:
    """The card of a bundle with a model of customers. Raises BundleError as `read_any_card`, or for another kind."""
    card = read_any_card(folder, digest, anywhere=anywhere)
    if not isinstance(card, Card):
        raise BundleError(NOT_OF_CUSTOMERS)
    return card


def read_input_contract(folder: Path, digest: str | None = None) -> Signature | TensorCard:
    """The signature of a bundle, without decoding the rest of its card; or the card of a tensor model.

    Raises BundleError as `read_any_card` does.
    """
    summary = _read(folder, digest, lambda data: decode_any_card(data, CardSummary))
    return summary if isinstance(summary, TensorCard) else summary.signature


def _read(folder: Path, digest: str | None, decode: Callable[[bytes], _Content]) -> _Content:
    try:
        data = (folder / CARD_FILE).read_bytes()
        if digest not in (None, hashlib.sha256(data).hexdigest()):
            raise BundleError(f"{CARD_FILE} is not the one that was registered")
        return decode(data)
    except (OSError, UnreadableCard) as error:
        raise BundleError(f"{CARD_FILE} cannot be read: {_without_path(error)}") from error


def verify_files(folder: Path, card: AnyCard) -> None:
    """Check the digest of every file but REASONS_FILE. Raises BundleError naming the first file that was changed."""
    for name in card.files:
        if name == REASONS_FILE:
            continue
        try:
            with (folder / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(f"{name} cannot be read: {_without_path(error)}") from error
        _check_digest(name, digest, card)


def read_artefact(folder: Path, card: AnyCard, name: str) -> bytes:
    """The bytes of a file, verified by its digest. Raises BundleError."""
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {_without_path(error)}") from error
    _check_digest(name, hashlib.sha256(data).hexdigest(), card)
    return data


def write_bundle(models_dir: Path, card: _Written, files: Mapping[str, bytes]) -> _Written:
    """Write a bundle as the next version of `card.name`, and return its card with that version and the files' digests.

    Atomic: the files are written to a temporary folder and flushed, and the folder is then renamed.
    """
    home = models_dir / card.name
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=home))
    try:
        for name, data in files.items():
            _write_flushed(unfinished / name, data)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        return _publish(home, unfinished, msgspec.structs.replace(card, files=digests))
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _publish(home: Path, unfinished: Path, card: _Written) -> _Written:
    """Rename to the next free version. Another writer may take it first, so retry until the rename succeeds."""
    unfinished.chmod(0o755)
    while True:
        taken = versions_of(home.parent, card.name)
        card = msgspec.structs.replace(card, version=str(int(taken[-1]) + 1 if taken else 1))
        _write_flushed(unfinished / CARD_FILE, msgspec.json.format(msgspec.json.encode(card), indent=2))
        try:
            unfinished.rename(home / card.version)
        except OSError:
            if not (home / card.version).exists():
                raise
            continue
        flush_folder(home)
        return card


def flush_folder(folder: Path) -> None:
    """Flush the file names in a folder: flushing a file does not flush its name. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_flushed(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sweep(home: Path) -> None:
    """Remove temporary folders of killed writers that are older than a day."""
    for folder in home.glob(f"{_UNFINISHED}*"):
        # Another writer may publish its folder, or sweep this one, between any two lines here.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(folder, ignore_errors=True)


def _check_digest(name: str, digest: str, card: AnyCard) -> None:
    if digest != card.files.get(name):
        raise BundleError(f"{name} is not the file that was packaged: its digest differs from the card's")


def _without_path(error: Exception) -> str:
    return error.strerror or "unreadable" if isinstance(error, OSError) else str(error)
