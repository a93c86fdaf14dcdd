"""What the data scientist decides about a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from churn_api.contract.signature import Signature
from churn_api.tables.notation_inference import NotationOptions
from churn_api.tables.read_options import AS_IT_IS, ReadOptions
from churn_api.training.declared_ranges import Range


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What the data scientist decides about a table; everything else is inferred from it."""

    target: str
    positive: str | None = None
    """The label that means churn; several are separated by commas."""
    negative: str | None = None
    drop_label: tuple[str, ...] = ()
    """Labels of the target whose rows are dropped."""
    horizon_days: int | None = None
    """Within how many days the target means that a customer leaves."""
    identifier: str | None = None
    exclude: tuple[str, ...] = ()
    split_columns: tuple[str, ...] = ()
    """Columns that are no features, and are kept with the rows: what folds depend on."""
    sample_weight: str | None = None
    """A column of how much each row counts; it is no feature."""
    include: tuple[str, ...] = ()
    """Columns to keep that would be left out."""
    accept_leakage: tuple[str, ...] = ()
    """Columns that may determine the target by themselves: they are known before the outcome."""
    opened: tuple[str, ...] = ()
    file: ReadOptions = AS_IT_IS
    notation: NotationOptions = field(default_factory=NotationOptions)
    as_of: date | None = None
    """The day from which models count dates back; by default the latest date in the table."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """By column, the numbers that are valid; others are refused."""
    signature: Signature | None = None
    """A declared signature. The other options about columns, except `accept_leakage`, are then unused."""

    @property
    def not_features(self) -> tuple[str, ...]:
        """Columns that decide how to learn and to evaluate, and must not be learned from."""
        return (*self.split_columns, *([self.sample_weight] if self.sample_weight else []))
