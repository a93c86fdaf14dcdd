"""What one process has counted in each hour, and which of it the database does not have yet."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np

from churn_api.monitoring.hourly_counts import HourKey
from churn_api.registry.bin_counts import Counts

MAX_HOURS = 1000
"""Hours of all versions that are kept while the database is away; the oldest are given up first."""


class UnwrittenCounts:
    """Not safe to share between threads."""

    def __init__(self) -> None:
        self._counts: dict[HourKey, Counts] = {}
        self._changed: set[HourKey] = set()

    def add(self, key: HourKey, counts: Counts) -> None:
        """Add to what was counted in an hour."""
        if key in self._counts:
            self._counts[key] += counts
        else:
            self._counts[key] = counts.copy()
        self._changed.add(key)
        if len(self._counts) > MAX_HOURS:
            self._forget(min(self._counts, key=lambda each: each.hour))

    def changed(self) -> dict[HourKey, Counts]:
        """All that was counted in the hours that have changed since they were written."""
        return {key: self._counts[key].copy() for key in self._changed}

    def mark_written(self, written: Mapping[HourKey, Counts], hour: datetime) -> None:
        """Forget what the database has; `hour` is the present one, to which more will be added."""
        for key, counts in written.items():
            if np.array_equal(self._counts.get(key, counts), counts):
                self._changed.discard(key)
                if key.hour != hour:
                    self._forget(key)

    def _forget(self, key: HourKey) -> None:
        self._counts.pop(key, None)
        self._changed.discard(key)
