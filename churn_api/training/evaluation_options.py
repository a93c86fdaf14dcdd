"""How a trained model is evaluated, and how its threshold is chosen."""

from dataclasses import dataclass
from pathlib import Path

from churn_api.training.training_error import TrainingError


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How models are evaluated, where not by folds of rows that are drawn at random."""

    time: str | None = None
    """A column to order rows by: each fold is evaluated on rows that are later than those it is fitted on."""
    group: str | None = None
    """A column whose rows of one value stay together, such as the household."""
    holdout: Path | None = None
    """A table of rows to evaluate the packaged model on; folds still choose candidate, calibrator and threshold."""
    calls: int | None = None
    """How many of the table's rows the threshold flags; by default it has the largest F1."""

    def __post_init__(self) -> None:
        if self.time and self.group:
            raise TrainingError("--time cannot be combined with --group: folds depend on one of them")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that folds depend on, at most one; they are no features."""
        return tuple(name for name in (self.time, self.group) if name)
