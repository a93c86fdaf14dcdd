"""Why a request gets no model."""

from collections.abc import Iterator
from contextlib import contextmanager

from churn_api.registry.bundle import NOT_OF_CUSTOMERS, BundleError
from churn_api.registry.card_kinds import AnyCard
from churn_api.registry.tensor_card import TensorCard


class UnknownModel(LookupError):
    """There is no model of this name, or none of its versions is live."""

    def __str__(self) -> str:
        name, *hints = self.args
        return f"no model {name!r} is live" + "".join(f". {hint}" for hint in hints if hint)


class UnknownVersion(LookupError):
    """The model has no such version."""

    def __str__(self) -> str:
        return f"there is no version {self.args[0]!r}"


class OtherKind(LookupError):
    """The model is of another kind than the caller works with: a tensor model, where customers are scored, or one of
    customers. `card` is the model's.
    """

    def __init__(self, card: AnyCard) -> None:
        super().__init__(card.name)
        self.card = card

    def __str__(self) -> str:
        return NOT_OF_CUSTOMERS if isinstance(self.card, TensorCard) else "it scores customers, and takes no tensors"


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
