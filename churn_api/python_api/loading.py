"""A predictor from a bundle's folder, with nothing else around it."""

import os
from pathlib import Path

from churn_api.python_api.predictor import Predictor
from churn_api.registry.bundle import BundleError, versions_of
from churn_api.registry.model import load_model
from churn_api.serving.data_plane import DataPlane


def load(path: str | os.PathLike[str]) -> Predictor:
    """Load the bundle in a folder, as in `load("models/telco/1")`. Its digests and golden rows are checked first.

    Most bundles are data: an ONNX graph and a card. One that was not compiled holds a pickle, and loading it runs the
    code in it: load only bundles that you trust. Raises BundleError saying why the model may not answer.
    """
    folder = Path(path).resolve()
    try:
        model = load_model(folder, anywhere=True)
    except BundleError as error:
        raise BundleError(f"{folder}: {error}{_hint(folder)}") from error
    return Predictor(lambda: model, DataPlane(), f"{model.card.name!r}, version {model.card.version}")


def _hint(folder: Path) -> str:
    """The versions to choose from, where a model was named in place of one of them."""
    versions = versions_of(folder.parent, folder.name)
    return f"; name a version, as in {folder.name}/{versions[-1]}" if versions else ""
