"""What the blocks of one table amount to, while it is scored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, concatenate
from churn_api.contract.faults import MAX_FAULTS
from churn_api.registry.bin_counts import Counts
from churn_api.scoring.output import Computed
from churn_api.serving.scoring_progress import FinishedBlock, initial_progress

if TYPE_CHECKING:
    from churn_api.serving.scored_blocks import ScoredTable
    from churn_api.tables.file_parts import Layout


class TableTotals:
    """Predictions, progress and faults of the blocks so far."""

    def __init__(self, layout: "Layout") -> None:
        self.progress = initial_progress(layout)
        self.identifiers: list[Any] = []
        """Of the valid rows."""
        self.errors: list[dict[str, Any]] = []
        """The first faults of the rows."""
        self.more_errors = 0
        self._columns: list[Mapping[str, Computed]] = []
        self._counts: list[Counts] = []
        self._records: list[Columns] = []
        self._positions: list[NDArray[np.int64]] = []

    def add_predictions(self, scored: "ScoredTable") -> None:
        """Keep the predictions of a block's valid rows."""
        self._columns.append(scored.columns)
        self.identifiers += scored.identifiers
        self._positions.append(scored.good + self.progress.rows)
        self._records += scored.records

    def add(self, step: FinishedBlock) -> None:
        """Add a finished block."""
        self.progress = step.progress
        self.errors += step.errors
        self.more_errors += step.scored.more_faults + len(self.errors[MAX_FAULTS:])
        del self.errors[MAX_FAULTS:]
        if step.scored.counts is not None:
            self._counts.append(step.scored.counts)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of `scoring.output`, over all valid rows."""
        return {name: np.concatenate([part[name] for part in self._columns]) for name in self._columns[0]}

    @property
    def records(self) -> Columns | None:
        """The valid rows; None unless they are kept."""
        return concatenate(self._records) if self._records else None

    @property
    def positions(self) -> NDArray[np.int64] | None:
        """The positions of the valid rows in the table; None where all are valid."""
        return np.concatenate(self._positions) if self.progress.bad_rows else None

    @property
    def counts(self) -> Counts | None:
        """A sample of all blocks, by the bins of the model's baseline; None where it has none."""
        return np.sum(self._counts, axis=0) if self._counts else None
