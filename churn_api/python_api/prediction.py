"""The Prediction class of the Python API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from churn_api.contract.faults import Fault
from churn_api.reasons.catalogue import DEFAULT_LANGUAGE
from churn_api.reasons.writer import Reason
from churn_api.scoring.output import COLUMNS
from churn_api.serving.answer import Answer, version_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionExplanation:
    """Why a model gives a probability: base, the reasons' contributions and the others add up to the score exactly."""

    reasons: tuple[Reason, ...]
    """Strongest first."""
    others: float
    base: float
    score: float
    scale: str
    """Of the score: "log_odds", or "probability"."""
    method: str
    """"exact", or "sampled" for an estimate."""


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
    threshold: float | None
    """The threshold that was applied; None where it differs by customer, or no probability reaches it."""
    model: str
    version: str
    variant: str | None = None
    """While an experiment runs: `control` or `challenger`, by the version that the customer belongs to, or `live`."""
    warnings: tuple[Fault, ...] = ()
    """Warnings about the record, such as an out-of-vocabulary category."""
    explanation: PredictionExplanation | None = None
    """The strongest reasons; None where none were asked for."""


def predictions_of(
    answer: Answer, warnings: Sequence[Sequence[Fault]], language: str = DEFAULT_LANGUAGE
) -> list[Prediction]:
    """The predictions of an answer's n records, in order; `warnings` has one sequence per record."""
    names = [column.attribute for column in COLUMNS]
    rows = zip(*(column.values(answer.columns[column.name]) for column in COLUMNS), strict=True)
    explained = _explanations(answer, language)
    return [
        Prediction(
            identifier=identifier,
            warnings=tuple(faults),
            explanation=explanation,
            model=answer.model.card.name,
            **version,
            **dict(zip(names, row, strict=True)),
        )
        for identifier, row, faults, explanation, version in zip(
            answer.identifiers, rows, warnings, explained, _versions(answer), strict=True
        )
    ]


def _versions(answer: Answer) -> list[dict[str, Any]]:
    """By which version and threshold each prediction was made."""
    if answer.experiment is None:
        return [{"version": answer.model.card.version, "threshold": answer.threshold}] * len(answer.identifiers)
    columns = version_columns(answer)
    columns["version"] = columns.pop("model_version")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _explanations(answer: Answer, language: str) -> list[PredictionExplanation | None]:
    if answer.explained is None:
        return [None] * len(answer.identifiers)
    scale, method = answer.explained.explanation.scale, answer.model.explainer().proof.method
    return [
        PredictionExplanation(
            reasons=tuple(one.reasons),
            others=one.others,
            base=one.base,
            score=one.score,
            scale=scale,
            method=method,
        )
        for one in answer.explained.written(language)
    ]
