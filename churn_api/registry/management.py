"""Operations on models: register, upload, make live, unload. Each is validated, then written to the catalogue."""

import hashlib
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import Literal

from churn_api.registry.bundle import (
    CARD_FILE,
    NAME,
    ONNX_FILE,
    REASONS_FILE,
    VERSION,
    BundleError,
    bundle_digests,
    write_bundle,
)
from churn_api.registry.card import Card, UnreadableCard
from churn_api.registry.card_kinds import AnyCard, decode_any_card
from churn_api.registry.catalog import Catalog, Conflict
from churn_api.registry.decision import CostsInForce, Decision
from churn_api.registry.evaluation_report import REPORT_FILE, read_report
from churn_api.registry.global_explanation import EXPLANATION_FILE, read_explanation
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady, UnknownVersion
from churn_api.registry.verification import verify
from churn_api.scoring.costs import Costs
from churn_api.tables.scratch import scratch_folder

PATH = re.compile(rf"({NAME.pattern})/({VERSION.pattern})")
"""Path of a bundle below the models folder."""

_UPLOADED = {CARD_FILE, ONNX_FILE}
_OPTIONAL = (REASONS_FILE, EXPLANATION_FILE, REPORT_FILE)


class Unusable(Exception):
    """The bundle cannot be registered; the text says why, and `part` names the part of the request that is at fault."""

    part: Literal["path", "bundle", "challenger"] = "path"


class UnusableUpload(Unusable):
    """The uploaded bundle cannot be registered."""

    part = "bundle"


class Management:
    """Operations on the models of one folder and one catalogue."""

    def __init__(
        self, models_dir: Path, catalog: Catalog, live: LiveModels, upload_bytes: int, *, model_bytes: int = 0
    ) -> None:
        """`model_bytes` is the memory that a new bundle may take; 0 for a limit by its size."""
        self._folder = models_dir
        self._catalog = catalog
        self._live = live
        self._upload_bytes = upload_bytes
        self._model_bytes = model_bytes

    def register(self, path: str, *, by: str) -> tuple[str, str]:
        """Register the bundle `<name>/<version>` of the models folder. Raises Unusable, UnknownVersion or Conflict."""
        form = PATH.fullmatch(path)
        if form is None:
            raise Unusable("the path of a bundle is <name>/<version>, below the models folder")
        name, version = form.groups()
        folder, inside = (self._folder / path).resolve(), self._folder.resolve()
        if folder != inside / name / version or any(file.is_symlink() for file in folder.glob("*")):
            raise Unusable("links are not followed")
        digest = bundle_digests(self._folder).get(name, {}).get(version)
        if digest is None:
            raise UnknownVersion(version)
        try:
            verify(self._folder / name / version, digest, self._model_bytes)
        except BundleError as error:
            raise Unusable(str(error)) from error
        return self._register(name, version, digest, by=by)

    def upload(self, archive: bytes, *, by: str) -> tuple[str, str]:
        """Write an uploaded bundle as its model's next version, and register it. Raises UnusableUpload."""
        files = _decompress(archive, self._upload_bytes)
        card = _uploaded_card(files)
        artefacts = {name: data for name, data in files.items() if name != CARD_FILE}
        with scratch_folder() as folder:
            written = write_bundle(folder, card, artefacts)
            try:
                verify(folder / written.name / written.version, max_bytes=self._model_bytes)
                read_report(folder / written.name / written.version, written)
                read_explanation(folder / written.name / written.version, written)
            except BundleError as error:
                raise UnusableUpload(str(error)) from error
        written = write_bundle(self._folder, card, artefacts)
        digest = bundle_digests(self._folder)[written.name][written.version]
        return self._register(written.name, written.version, digest, by=by)

    def make_live(self, name: str, version: str, *, by: str) -> None:
        """Make a version live, and serve it in this process.

        Raises UnknownModel, UnknownVersion, or Conflict where the version cannot be served; nothing changes then.
        """
        self._follow()
        try:
            self._live.try_version(name, version)
        except ModelNotReady as error:
            raise Conflict(f"version {version} of {name!r} may not answer: {error}") from error
        self._catalog.set_live(name, version, by=by)
        self._follow()

    def make_bundle_live(self, name: str, version: str, *, by: str) -> None:
        """Make a version of the models folder live, registering it first where it is new.

        Raises as `register` and `make_live` do.
        """
        known = self._catalog.read()
        if name not in known or version not in known[name].digests:
            self.register(f"{name}/{version}", by=by)
        self.make_live(name, version, by=by)

    def set_costs(self, name: str, costs: Costs, *, by: str) -> None:
        """Set the costs that the model's decisions follow.

        Raises UnknownModel, ModelNotReady, OtherKind, or NoValueFeature where the live version lacks their feature.
        """
        self._follow()
        card = self._live.files(name).card()
        Decision.by_costs(CostsInForce(0, costs), card.signature, card.policy.threshold)
        self._catalog.set_costs(name, costs, by=by)
        self._follow()

    def remove_costs(self, name: str, *, by: str) -> None:
        """Let the threshold of the model's card decide again. Raises UnknownModel or Conflict."""
        self._follow()
        self._live.versions(name)
        if self._catalog.costs(name) is None:
            raise Conflict(f"{name!r} has no costs")
        self._catalog.set_costs(name, None, by=by)
        self._follow()

    def unload(self, name: str, *, by: str) -> None:
        """Make no version of a model live. Raises UnknownModel or Conflict."""
        self._follow()
        self._live.versions(name)
        if name == self._live.default:
            raise Conflict(f"{name!r} is the default model")
        self._catalog.unload(name, by=by)
        self._follow()

    def _follow(self) -> None:
        self._live.follow(self._catalog.read())

    def _register(self, name: str, version: str, digest: str, *, by: str) -> tuple[str, str]:
        self._catalog.register(name, version, digest, by=by)
        self._follow()
        return name, version


def _decompress(archive: bytes, limit: int) -> dict[str, bytes]:
    """The files of an uploaded bundle. Reading stops at the limit, whatever sizes the archive declares."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = set(opened.namelist())
            if len(names) < len(opened.namelist()) or not _UPLOADED <= names <= {*_UPLOADED, *_OPTIONAL}:
                expected = f"{CARD_FILE}, {ONNX_FILE}, and perhaps {', '.join(_OPTIONAL[:-1])} and {_OPTIONAL[-1]}"
                raise UnusableUpload(f"an uploaded bundle holds {expected}, and nothing else")
            files = {}
            for name in sorted(names):
                with opened.open(name) as file:
                    files[name] = file.read(limit + 1)
                limit -= len(files[name])
                if limit < 0:
                    raise UnusableUpload("the bundle decompresses to more bytes than are allowed")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnusableUpload("the file is no ZIP archive that can be read") from error
    return files


def _uploaded_card(files: dict[str, bytes]) -> AnyCard:
    try:
        card = decode_any_card(files[CARD_FILE], Card)
    except UnreadableCard as error:
        raise UnusableUpload(f"{CARD_FILE} cannot be read: {error}") from error
    if not NAME.fullmatch(card.name):
        raise UnusableUpload("the card's name is no model's name")
    for name in files.keys() - {CARD_FILE}:
        if card.files.get(name) != hashlib.sha256(files[name]).hexdigest():
            raise UnusableUpload(f"{name} is not the file that was packaged: its digest differs from the card's")
    if card.scorer != "onnx":
        raise UnusableUpload("an uploaded bundle must be compiled: a pickle of a stranger's is not loaded")
    return card
