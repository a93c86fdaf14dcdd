"""A prediction as a Python object."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from churn_api.contract.faults import Fault
from churn_api.scoring.output import COLUMNS
from churn_api.serving.answer import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model says of one customer. Never changes, and can be pickled."""

    identifier: str | int | None
    """As it was given; None where none was."""
    prediction: int
    """1 where the customer is expected to leave: where the probability is the threshold or more. Else 0."""
    probability: float
    """That the customer leaves: a float64 in [0, 1], the same that HTTP answers."""
    band: str
    """Of risk: low, medium or high. The model's card says where they begin."""
    threshold: float
    """The one that decided."""
    model: str
    version: str
    warnings: tuple[Fault, ...] = ()
    """What is odd about the record, as a category that training did not see."""


def predictions_of(answer: Answer, warnings: Sequence[Sequence[Fault]]) -> list[Prediction]:
    """The predictions of an answer's n records in their order, with the n records' warnings."""
    card = answer.model.card
    shared: dict[str, Any] = {"threshold": answer.threshold, "model": card.name, "version": card.version}
    names = [column.attribute for column in COLUMNS]
    rows = zip(*(column.values(answer.columns[column.name]) for column in COLUMNS), strict=True)
    return [
        Prediction(identifier=identifier, warnings=tuple(odd), **shared, **dict(zip(names, row, strict=True)))
        for identifier, row, odd in zip(answer.identifiers, rows, warnings, strict=True)
    ]
