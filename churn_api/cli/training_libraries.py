"""Whether the libraries of the extra `train` are installed."""

from importlib.util import find_spec

from churn_api.cli.command_helpers import refuse

LIBRARIES = ("onnx", "pandas", "scipy", "skl2onnx", "sklearn")


def require_training_libraries() -> None:
    """Raise CommandError where one is missing, with what to install."""
    if any(find_spec(name) is None for name in LIBRARIES):
        refuse("the libraries for training are not installed: pip install 'churn-api[train]'")
