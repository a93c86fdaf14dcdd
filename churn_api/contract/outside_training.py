"""Warnings of numbers far outside the range that training saw."""

from collections.abc import Sequence

import numpy as np

from churn_api.contract.batch import PathFromRoot
from churn_api.contract.columns import Columns
from churn_api.contract.faults import Fault
from churn_api.contract.record_schema import observed_range
from churn_api.contract.signature import UNBOUNDED, Signature, tolerated_range


class OutsideTraining:
    """Finds numbers beyond the observed range by more than a tenth of its width, in columns of one signature."""

    def __init__(self, signature: Signature) -> None:
        numeric = [feature for feature in signature.features if feature.numeric]
        ranges = [tolerated_range(feature) if feature.measured else UNBOUNDED for feature in numeric]
        self._low, self._high = np.array(ranges, np.float64).reshape(-1, 2).T
        self._bounded = [index for index, one in enumerate(ranges) if one != UNBOUNDED]
        self._names = [feature.name for feature in numeric]
        self._seen = [
            observed_range(feature, feature.observed) if feature.observed else ("", "") for feature in numeric
        ]

    def counts(self, columns: Columns) -> dict[str, int]:
        """By feature, the number of records with such a number; features without one are left out."""
        found = {}
        # A column at a time, and only those with a range: tables have many rows, and their columns are contiguous.
        for index in self._bounded:
            cells = columns.numbers[:, index]
            count = np.count_nonzero(cells < self._low[index]) + np.count_nonzero(cells > self._high[index])
            if count:
                found[self._names[index]] = int(count)
        return found

    def warnings(
        self, columns: Columns, positions: Sequence[int], path_from_root: PathFromRoot, max_warnings: int | None
    ) -> tuple[list[Fault], int]:
        """The first `max_warnings` warnings (None: all of them), and the number of those left out.

        `positions` holds the index of each of the n records among all records sent.
        """
        outside = (columns.numbers < self._low) | (columns.numbers > self._high)
        if not outside.any():
            return [], 0
        cells = np.argwhere(outside)
        shown = cells[:max_warnings].tolist()
        return [
            self._warning(column, path_from_root(positions[row], (self._names[column],))) for row, column in shown
        ], (len(cells) - len(shown))

    def _warning(self, column: int, path: tuple[str | int, ...]) -> Fault:
        low, high = self._seen[column]
        return Fault("outside-training", f"Training saw {low} to {high}.", path=path)
