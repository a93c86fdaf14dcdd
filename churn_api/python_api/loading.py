"""Loads a predictor from a bundle's folder, without an application or a database."""

import os
from pathlib import Path

from churn_api.python_api.predictor import Predictor
from churn_api.registry.bundle import BundleError, versions_of
from churn_api.registry.model import load_model
from churn_api.serving.data_plane import DataPlane


def load(path: str | os.PathLike[str]) -> Predictor:
    """Load the bundle in a folder, as in `load("models/telco/1")`; its digests and golden rows are verified first.

    Most bundles are data: an ONNX graph and a card. A bundle that was not compiled contains a pickle, and loading it
    runs the code in it: load only bundles that you trust. Raises BundleError with the reason where the bundle cannot
    be used.
    """
    folder = Path(path).resolve()
    try:
        model = load_model(folder, anywhere=True)
    except BundleError as error:
        raise BundleError(f"{folder}: {error}{_hint(folder)}") from error
    return Predictor(lambda: model, DataPlane(), f"{model.card.name!r}, version {model.card.version}")


def _hint(folder: Path) -> str:
    """A hint where the path names a model rather than one of its versions."""
    versions = versions_of(folder.parent, folder.name)
    return f"; name a version, as in {folder.name}/{versions[-1]}" if versions else ""
