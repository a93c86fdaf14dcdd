"""The Prediction class of the Python API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from churn_api.contract.faults import Fault
from churn_api.scoring.output import COLUMNS
from churn_api.serving.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A model's prediction for one customer. Immutable and picklable."""

    identifier: str | int | None
    """As given; None where the record has none."""
    prediction: int
    """1 where the probability is at least the threshold, so that the customer is expected to churn; else 0."""
    probability: float
    """Probability of churn: a float64 in [0, 1], the same as over HTTP."""
    band: str
    """Risk band: low, medium or high. The model's card has their bounds."""
    threshold: float
    """The threshold that was applied."""
    model: str
    version: str
    warnings: tuple[Fault, ...] = ()
    """Warnings about the record, such as an out-of-vocabulary category."""


def predictions_of(answer: Answer, warnings: Sequence[Sequence[Fault]]) -> list[Prediction]:
    """The predictions of an answer's n records, in order; `warnings` has one sequence per record."""
    card = answer.model.card
    shared: dict[str, Any] = {"threshold": answer.threshold, "model": card.name, "version": card.version}
    names = [column.attribute for column in COLUMNS]
    rows = zip(*(column.values(answer.columns[column.name]) for column in COLUMNS), strict=True)
    return [
        Prediction(identifier=identifier, warnings=tuple(faults), **shared, **dict(zip(names, row, strict=True)))
        for identifier, row, faults in zip(answer.identifiers, rows, warnings, strict=True)
    ]
