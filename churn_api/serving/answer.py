"""An answer: what was predicted, before any door gives it its shape, how that comes about, and who is told of it."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from churn_api.contract.columns import Columns
from churn_api.registry.model import Model
from churn_api.scoring.output import Computed, output


class Answer(NamedTuple):
    """The predictions of n good records."""

    model: Model
    threshold: float
    """The one that decided."""
    identifiers: list[Any]
    """As they were sent; None where none was. Length n."""
    columns: Mapping[str, Computed]
    """The columns of `scoring.output` by their names, each of length n."""
    sent: int
    """How many records were sent, good and bad."""
    many: bool
    """Whether they were sent as many, be it a list of one."""
    seconds: float
    """What scoring took."""


def predict_columns(model: Model, columns: Columns, threshold: float) -> tuple[dict[str, Computed], float]:
    """The columns of `scoring.output` for n records, and the seconds that scoring took.

    The one place where a record is scored and decided on: for a request, a table in one, a job and the command alike.
    """
    started = perf_counter()
    probabilities = model.score(columns)
    seconds = perf_counter() - started
    return output(probabilities, threshold, model.card.policy), seconds


class PredictionObserver(Protocol):
    """Is told of every answer, whichever door it goes out by. Raises nothing."""

    def predicted(self, answer: Answer) -> None:
        """An answer was made."""
        ...
