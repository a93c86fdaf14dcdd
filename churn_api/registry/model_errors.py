"""Why a request gets no model."""

from collections.abc import Iterator
from contextlib import contextmanager

from churn_api.registry.bundle import BundleError


class UnknownModel(LookupError):
    """There is no model of this name, or none of its versions is live."""

    def __str__(self) -> str:
        name, *hints = self.args
        return f"no model {name!r} is live" + "".join(f". {hint}" for hint in hints if hint)


class UnknownVersion(LookupError):
    """The model has no such version."""

    def __str__(self) -> str:
        return f"there is no version {self.args[0]!r}"


class NoReasons(Exception):
    """The model has no reasons for its predictions; the text says why."""


class ModelNotReady(Exception):
    """The model exists but cannot be served; the text says why."""


@contextmanager
def model_not_ready() -> Iterator[None]:
    """Raise a BundleError inside the block as ModelNotReady."""
    try:
        yield
    except BundleError as error:
        raise ModelNotReady(str(error)) from error
