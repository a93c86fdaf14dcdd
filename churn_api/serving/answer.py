"""An answer: the predictions of a batch, independent of any protocol; how they are computed; who observes them."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from churn_api.contract.columns import Columns
from churn_api.registry.model import Model
from churn_api.scoring.output import Computed, output


class Answer(NamedTuple):
    """The predictions of n valid records."""

    model: Model
    threshold: float
    """The threshold that was applied."""
    identifiers: list[Any]
    """Length n, as sent; None where a record has none."""
    columns: Mapping[str, Computed]
    """The columns of `scoring.output` by their names, each of length n."""
    sent: int
    """The number of records sent, valid and invalid."""
    many: bool
    """Whether the records were sent as a batch, even a batch of one."""
    seconds: float
    """Duration of scoring."""


def predict_columns(model: Model, columns: Columns, threshold: float) -> tuple[dict[str, Computed], float]:
    """The columns of `scoring.output` for n records, and the seconds that scoring took.

    Requests, uploaded tables, jobs and the command line all score and decide here.
    """
    started = perf_counter()
    probabilities = model.score(columns)
    seconds = perf_counter() - started
    return output(probabilities, threshold, model.card.policy), seconds


class PredictionObserver(Protocol):
    """Receives every answer, whatever the protocol. Must not raise."""

    def predicted(self, answer: Answer) -> None:
        """Receive an answer."""
        ...
