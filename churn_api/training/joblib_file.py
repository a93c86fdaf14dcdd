"""Loads a classifier that was saved elsewhere by joblib, and says what is missing here."""

import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning

from churn_api.contract.remark import Remark
from churn_api.training.training_error import TrainingError

_ABSENT = re.compile(
    r"Can't get attribute '(?P<name>[^']{1,100})' on <module '(?P<module>[^']{1,100})'"
    r"|module '(?P<other_module>[^']{1,100})' has no attribute '(?P<other_name>[^']{1,100})'"
)
"""How the two protocols of pickle complain about an object that a module lacks."""


class SavedClassifier(NamedTuple):
    """A classifier from a file."""

    classifier: Any
    remarks: tuple[Remark, ...]
    """That it was saved by another version of scikit-learn, where it was."""


def load_classifier(path: Path) -> SavedClassifier:
    """Unpickle a file, which runs the code in it.

    Raises TrainingError, which names the module or version that is missing.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = _unpickled(path)
    if not hasattr(classifier, "predict_proba") or not hasattr(classifier, "classes_"):
        raise TrainingError(f"{path.name} holds no fitted classifier with predict_proba")
    versions = sorted(
        {
            warning.message.original_sklearn_version
            for warning in caught
            if isinstance(warning.message, InconsistentVersionWarning)
        }
    )
    return SavedClassifier(classifier, tuple(_version_remark(path, version) for version in versions))


def _unpickled(path: Path) -> Any:
    try:
        return joblib.load(path)
    except ImportError as error:
        raise TrainingError(
            f"{path.name} needs the module {error.name!r}, which is not installed, or in another version"
        ) from error
    except OSError as error:
        if error.strerror is None:
            raise TrainingError(_unusable(path, error)) from error
        raise TrainingError(f"{path.name} cannot be read: {error.strerror}") from error
    except AttributeError as error:
        absent = _ABSENT.match(str(error))
        if absent is None:
            raise TrainingError(_unusable(path, error)) from error
        name, module = absent["name"] or absent["other_name"], absent["module"] or absent["other_module"]
        raise TrainingError(
            f"{path.name} needs {name!r} of the module {module!r}, which has none here: {_remedy(module)}"
        ) from error
    except Exception as error:  # unpickling raises anything
        raise TrainingError(_unusable(path, error)) from error


def _remedy(module: str) -> str:
    if module == "__main__":
        return "define it in a module of its own, install that, and save the pipeline again"
    return f"install the version of {module.partition('.')[0]} that saved the pipeline"


def _unusable(path: Path, error: Exception) -> str:
    """The complaint, with what to compare the file's origin with: another version is the usual reason."""
    return (
        f"{path.name} cannot be loaded as a joblib file: {type(error).__name__}; it may come from other versions than "
        f"scikit-learn {sklearn.__version__} and NumPy {np.__version__}"
    )


def _version_remark(path: Path, version: str) -> Remark:
    return Remark(
        seen=f"{path.name} was saved by scikit-learn {version}, and {sklearn.__version__} is installed",
        done="loaded, though it may predict otherwise than where it was fitted",
    )
