"""What became of customers: events by subject and day, which are looked up for many predictions at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.monitoring.customer_keys import KEY_BYTES

Subjects = NDArray[np.uint64]
"""The first eight bytes of customer keys: enough to distinguish customers."""
Days = NDArray[np.int64]
"""Days as `date.toordinal` counts them."""
Truths = NDArray[np.bool_]

_SUBJECT_BYTES = 8
_SPAN = 1 << 23
"""More than the days of the calendar, so that a subject's position and a day fit into one number."""


class Outcomes(NamedTuple):
    """n reported outcomes, each array of shape (n,)."""

    subjects: Subjects
    days: Days
    """When the customer left, or was still there."""
    left: Truths
    contacted: Truths
    by_request: Truths
    """Whether the subject is a request rather than a customer."""

    def take(self, rows: Truths | NDArray[np.intp]) -> "Outcomes":
        """Those where `rows` is true, or at these positions."""
        return Outcomes._make(array[rows] for array in self)


class EventIndex:
    """Answers whether subjects have an event between two days."""

    def __init__(self, subjects: Subjects, days: Days) -> None:
        """Both of shape (n,), in any order."""
        self._subjects, positions = np.unique(subjects, return_inverse=True)
        self._codes = np.append(np.unique(positions * _SPAN + days), np.iinfo(np.int64).max)

    def any_between(self, subjects: Subjects, first: Days, last: Days) -> Truths:
        """Whether each subject has an event from its first to its last day, all of shape (k,)."""
        positions = np.searchsorted(self._subjects, subjects)
        known = self._subjects[np.minimum(positions, len(self._subjects) - 1)] if len(self._subjects) else subjects + 1
        following = self._codes[np.searchsorted(self._codes, positions * _SPAN + first)]
        found: Truths = (known == subjects) & (following <= positions * _SPAN + last)
        return found


class OutcomeIndex:
    """The outcomes of customers, or those of requests, to label predictions with."""

    def __init__(self, outcomes: Outcomes) -> None:
        self._leavers = EventIndex(outcomes.subjects[outcomes.left], outcomes.days[outcomes.left])
        self._contacts = EventIndex(outcomes.subjects[outcomes.contacted], outcomes.days[outcomes.contacted])

    def left(self, subjects: Subjects, days: Days, horizon: int) -> Truths:
        """Whether each left within so many days after the day of its prediction."""
        return self._leavers.any_between(subjects, days + 1, days + horizon)

    def left_same_day(self, subjects: Subjects, days: Days) -> Truths:
        """Whether each left on the day of its prediction: before or after it is not known."""
        return self._leavers.any_between(subjects, days, days)

    def contacted(self, subjects: Subjects, days: Days, horizon: int) -> Truths:
        """Whether the company called each on the day of its prediction, or within so many days after it."""
        return self._contacts.any_between(subjects, days, days + horizon)


def subjects_of_keys(keys: bytes | memoryview) -> Subjects:
    """Subjects of keys that stand one after another."""
    table = np.frombuffer(keys, np.uint8).reshape(-1, KEY_BYTES)[:, :_SUBJECT_BYTES]
    return np.ascontiguousarray(table).view(">u8")[:, 0].astype(np.uint64)
