"""Periods of H days with fixed bounds, and when their predictions are mature."""

from datetime import date
from typing import NamedTuple


class Period(NamedTuple):
    """H days with fixed bounds, in which one prediction of each customer counts."""

    first: date
    horizon: int

    @classmethod
    def of(cls, day: date, horizon: int) -> "Period":
        """The period of a day."""
        return cls(date.fromordinal(max(1, day.toordinal() // horizon * horizon)), horizon)

    @property
    def last(self) -> date:
        """Its last day."""
        return date.fromordinal((self.first.toordinal() // self.horizon + 1) * self.horizon - 1)

    def mature_until(self, complete_until: date) -> date | None:
        """The last day of the period whose predictions are mature; None where there is none."""
        last = complete_until.toordinal() - self.horizon
        return min(self.last, date.fromordinal(last)) if last >= self.first.toordinal() else None


def later(day: date, days: int) -> date:
    """The day so many days later; at the end of the calendar its last."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))
