"""Windows: hours that are compared with the baseline together."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from churn_api.monitoring.hourly_counts import HourCounts
from churn_api.registry.bin_counts import BinCounter, CountedBins

CLOSING_ROWS = 5000
CLOSING_TIME = timedelta(hours=24)
MIN_ROWS = 200
"""With fewer rows, chance alone makes windows differ."""
MAX_WINDOWS = 30
"""With many predictions every hour is a window."""
_HOUR = timedelta(hours=1)


class Window(NamedTuple):
    """Predictions of consecutive hours."""

    start: datetime
    end: datetime
    counted: CountedBins
    open: bool
    """Whether it may still grow."""

    @property
    def enough(self) -> bool:
        """Whether it has enough rows to be compared."""
        return self.counted.rows >= MIN_ROWS


def windows(hours: Iterable[HourCounts], bins: BinCounter, now: datetime) -> list[Window]:
    """The latest windows of consecutive hours, oldest first.

    A window closes with 5,000 rows, or after a day with 200; with fewer it goes on.
    """
    latest: deque[Window] = deque(maxlen=MAX_WINDOWS)
    for hour in hours:
        if len(hour.counts) != bins.size:
            continue  # of a bundle whose baseline was another one
        last = latest[-1] if latest else None
        if last is not None and not _is_closed(last, hour.hour):
            start, counted = last.start, _added(last.counted, bins.split(hour.counts))
            latest[-1] = Window(start, hour.hour + _HOUR, counted, open=True)
        else:
            latest.append(Window(hour.hour, hour.hour + _HOUR, bins.split(hour.counts), open=True))
    return [_finished(window, now) for window in latest]


def _is_closed(window: Window, now: datetime) -> bool:
    rows = window.counted.rows
    enough = rows >= CLOSING_ROWS and window.end <= now
    return enough or (rows >= MIN_ROWS and window.start + CLOSING_TIME <= now)


def _finished(window: Window, now: datetime) -> Window:
    return window._replace(open=not _is_closed(window, now))


def _added(first: CountedBins, second: CountedBins) -> CountedBins:
    features = zip(first.features, second.features, strict=True)
    return CountedBins(
        tuple(one + other for one, other in features), first.scores + second.scores, first.sums + second.sums
    )
