"""Live quality by version, variant and window of time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from math import sqrt
from typing import NamedTuple

from churn_api.monitoring.labelled_periods import Period
from churn_api.monitoring.live_figures import LiveQuality, Z, live_quality
from churn_api.monitoring.quality_counts import QualityCounts
from churn_api.monitoring.quality_store import DayKey
from churn_api.monitoring.version_facts import VersionFacts

MAX_WINDOWS = 24
"""The latest of each version and variant."""


class Source(NamedTuple):
    """Whose predictions are measured."""

    version: str
    variant: str
    contacted: bool


class QualityWindow(NamedTuple):
    """Predictions of consecutive days, the first and the last included."""

    start: date
    end: date
    quality: LiveQuality


def quality_windows(
    days: Iterable[tuple[DayKey, QualityCounts]], length: int | None
) -> Mapping[Source, list[QualityWindow]]:
    """The latest windows of each source, the oldest first: of so many days, or calendar months."""
    sums = defaultdict[tuple[Source, date, date], QualityCounts](QualityCounts.none)
    for key, counts in days:
        source = Source(key.version, key.variant, key.contacted)
        window = (source, *_bounds(key.day, length))
        sums[window] = sums[window].plus(counts)
    by_source = defaultdict[Source, list[QualityWindow]](list)
    for (source, start, end), counts in sorted(sums.items(), key=lambda item: item[0]):
        by_source[source].append(QualityWindow(start, end, live_quality(counts)))
    return {source: windows[-MAX_WINDOWS:] for source, windows in by_source.items()}


def is_worse(windows: Iterable[QualityWindow], facts: VersionFacts) -> bool:
    """Whether the area in the latest measured window is below training's by more than both vary by chance."""
    measured = [one.quality.figures for one in windows if one.quality.figures is not None]
    if not measured or "roc_auc" not in facts.trained:
        return False
    latest = measured[-1]
    half = Z * sqrt(latest.deviation**2 + facts.deviation**2)
    return latest.roc_auc.value + half < facts.trained["roc_auc"]


def _bounds(day: date, length: int | None) -> tuple[date, date]:
    """The first and the last day of the window of a day."""
    if length is not None:
        period = Period.of(day, length)
        return period.first, period.last
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
