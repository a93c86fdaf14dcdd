"""An answer: the predictions of a batch, independent of any protocol; how they are computed; who observes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.reasons.strongest import Strongest
from churn_api.reasons.writer import Reasons, ReasonWriter
from churn_api.registry.bin_counts import Counts
from churn_api.registry.decision import shown_threshold
from churn_api.registry.experiment import Experiment
from churn_api.registry.model import Model
from churn_api.registry.variants import CHALLENGER, LIVE_VARIANT, VariantName
from churn_api.scoring.explanation import Explanation
from churn_api.scoring.output import Computed, output
from churn_api.serving.computation import Computation

BY_MODEL = Computation()


@dataclass(frozen=True)
class ExplainedRecords:
    """The `count` strongest reasons of n predictions, before they are written."""

    explanation: Explanation
    count: int
    records: Columns
    writer: ReasonWriter

    @cached_property
    def strongest(self) -> Strongest:
        """The positions and contributions of the strongest reasons."""
        return self.writer.strongest(self.explanation, self.count)

    def written(self, language: str) -> list[Reasons]:
        """The reasons of each record, with texts in a language of the catalogue."""
        if self.records.rows == 1:
            return [self.writer.write_one(self.explanation, self.count, self.records, language)]
        return self.writer.write(self.explanation, self.strongest, self.records, language)


class Split(NamedTuple):
    """Of n records that were shared out between two versions, by whom each was answered."""

    variants: Sequence[VariantName]
    """Length n."""
    challenger: Model
    threshold: float | None
    """That of the challenger's answer, which `Answer.threshold` describes."""


class Answer(NamedTuple):
    """The predictions of n valid records."""

    model: Model
    threshold: float | None
    """The threshold that was applied; None where it differs by customer, or no probability reaches it."""
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
    records: Columns | None = None
    """The records; None for a table, which is scored block by block, unless the data plane keeps records."""
    counts: Counts | None = None
    """Of a table: a sample of each block, by the bins of the model's baseline; None where it has none."""
    explained: ExplainedRecords | None = None
    """None where the caller wants no reasons."""
    policy: int | None = None
    """The version of the costs that the threshold follows from; None where it follows from none."""
    variant: VariantName = LIVE_VARIANT
    """Which of two versions side by side has answered. Observers receive shadow answers, clients never do."""
    positions: Sequence[int] | NDArray[np.int64] | None = None
    """Length n: of each valid record, among all records sent; None where all are valid."""
    request_id: str | None = None
    """The request's id; None for a call from Python."""
    experiment: Experiment | None = None
    """The experiment that the request is part of; None for nearly all requests."""
    split: Split | None = None
    """Of a batch that is shared out. Observers receive an answer for each variant, and clients this one."""


def version_columns(answer: Answer) -> dict[str, list[Any]]:
    """By which version and threshold each of n predictions was made; no columns while no experiment runs.

    Without an experiment these are the same for all predictions, and members of the response.
    """
    if answer.experiment is None:
        return {}
    version, threshold, rows = answer.model.card.version, answer.threshold, len(answer.identifiers)
    if answer.split is None:
        return {"model_version": [version] * rows, "threshold": [threshold] * rows, "variant": [answer.variant] * rows}
    variants, challenger, other_threshold = answer.split
    return {
        "model_version": [challenger.card.version if one == CHALLENGER else version for one in variants],
        "threshold": [other_threshold if one == CHALLENGER else threshold for one in variants],
        "variant": [*variants],
    }


class Scored(NamedTuple):
    """What scoring n records gives."""

    columns: dict[str, Computed]
    """The columns of `scoring.output`."""
    seconds: float
    threshold: float | None
    """As the `Answer` has it."""
    policy: int | None
    explained: ExplainedRecords | None = None


def predict_columns(
    model: Model, columns: Columns, threshold: float | None, reasons: int = 0, computation: Computation = BY_MODEL
) -> Scored:
    """Score n records and decide, by the threshold of the caller, if any; with `reasons`, explain each by as many.

    Raises NoReasons.

    Requests, uploaded tables, jobs and the command line all score and decide here.
    """
    started = perf_counter()
    explained = _explained(model, columns, reasons, computation) if reasons else None
    probabilities = computation.score(model, columns) if explained is None else explained.explanation.probabilities
    seconds = perf_counter() - started
    decision = model.decided_by(threshold)
    thresholds = decision.thresholds(columns)
    computed = output(probabilities, thresholds, model.card.policy)
    return Scored(computed, seconds, shown_threshold(thresholds), decision.policy, explained)


def _explained(model: Model, columns: Columns, count: int, computation: Computation) -> ExplainedRecords:
    explanation = computation.explain(model, columns)
    return ExplainedRecords(explanation, count, columns, model.explainer().writer)


class PredictionObserver(Protocol):
    """Receives every answer, whatever the protocol, from any thread. Must not raise."""

    def predicted(self, answer: Answer) -> None:
        """Receive an answer."""
        ...
