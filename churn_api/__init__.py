"""Churn probabilities over HTTP: a model comes with its contract.

The Flask application is imported only when it is asked for, so that `churn_api.contract` stays free of it.
"""

from importlib import import_module
from typing import Any

__all__ = ["__version__", "create_app", "init_app"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("create_app", "init_app"):
        return getattr(import_module("churn_api.app"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
