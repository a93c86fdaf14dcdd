"""Churn probabilities over HTTP and in Python.

`__all__` lists the public Python API. Each name is imported at its first use: `import churn_api` is fast, and
`churn_api.load` imports neither Flask nor SQLAlchemy.
"""

TYPE_CHECKING = False  # as in `typing`, which takes half of the import time of this module
if TYPE_CHECKING:
    from churn_api.app import create_app, init_app, upgrade
    from churn_api.config import StartError
    from churn_api.contract.faults import Fault
    from churn_api.contract.record import InvalidRecord
    from churn_api.contract.signature import Feature, Signature
    from churn_api.python_api.loading import load
    from churn_api.python_api.prediction import Prediction, PredictionExplanation
    from churn_api.python_api.predictor import Predictor
    from churn_api.python_api.table_predictions import OutsideTrainingWarning, UnseenCategoryWarning
    from churn_api.reasons.writer import Reason
    from churn_api.registry.bundle import BundleError
    from churn_api.registry.card import Card
    from churn_api.registry.model_errors import ModelNotReady, NoReasons, UnknownModel, UnknownVersion
    from churn_api.web.core.in_process_api import close, make_live, predictor

__all__ = [
    "BundleError",
    "Card",
    "Fault",
    "Feature",
    "InvalidRecord",
    "ModelNotReady",
    "NoReasons",
    "OutsideTrainingWarning",
    "Prediction",
    "PredictionExplanation",
    "Predictor",
    "Reason",
    "Signature",
    "StartError",
    "UnknownModel",
    "UnknownVersion",
    "UnseenCategoryWarning",
    "__version__",
    "close",
    "create_app",
    "init_app",
    "load",
    "make_live",
    "predictor",
    "upgrade",
]

__version__ = "0.2.0"

_MODULES = {
    "BundleError": "registry.bundle",
    "Card": "registry.card",
    "Fault": "contract.faults",
    "Feature": "contract.signature",
    "InvalidRecord": "contract.record",
    "ModelNotReady": "registry.live",
    "NoReasons": "registry.model_errors",
    "OutsideTrainingWarning": "python_api.table_predictions",
    "Prediction": "python_api.prediction",
    "PredictionExplanation": "python_api.prediction",
    "Predictor": "python_api.predictor",
    "Reason": "reasons.writer",
    "Signature": "contract.signature",
    "StartError": "config",
    "UnknownModel": "registry.live",
    "UnknownVersion": "registry.live",
    "UnseenCategoryWarning": "python_api.table_predictions",
    "close": "web.core.in_process_api",
    "create_app": "app",
    "init_app": "app",
    "load": "python_api.loading",
    "make_live": "web.core.in_process_api",
    "predictor": "web.core.in_process_api",
    "upgrade": "app",
}

if not TYPE_CHECKING:  # hidden from type checkers, which would accept any name

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
