"""The watch on one version of a model: its windows, each compared with the baseline."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from churn_api.monitoring.drift import Drift, DriftState, compare
from churn_api.monitoring.expected_quality import ExpectedQuality, expected_quality
from churn_api.monitoring.windows import Window
from churn_api.registry.baseline import Baseline
from churn_api.registry.bin_counts import Counts

RUNNING = 2
"""So many windows in a row that a feature must have moved, if it has not drifted, for an alert."""


class ComparedFeature(NamedTuple):
    """One feature in one window."""

    drift: Drift
    missing: float
    """The share of rows without a value."""
    unseen: float
    """The share of rows with a text that training did not see."""
    counts: Counts


class ComparedWindow(NamedTuple):
    """A window with enough rows, compared with the baseline."""

    window: Window
    features: tuple[ComparedFeature, ...]
    """In the baseline's order."""
    scores: Drift
    expected: ExpectedQuality

    @property
    def state(self) -> DriftState:
        """The worst of features and scores."""
        return max(self.scores.state, *(each.drift.state for each in self.features))


class Watch(NamedTuple):
    """All windows of a version, and what they amount to."""

    baseline: Baseline
    windows: tuple[Window | ComparedWindow, ...]
    """The oldest first. One with too few rows is not compared."""
    alerts: frozenset[str]
    """Features to look at: drifted in the last closed window, or moved in the last two."""
    score_alert: bool

    @property
    def latest(self) -> ComparedWindow | None:
        """The latest compared window; None where there is none."""
        return next((one for one in reversed(self.windows) if isinstance(one, ComparedWindow)), None)


def watch(baseline: Baseline, found: Sequence[Window]) -> Watch:
    """Compare windows with the baseline; those with too few rows stay as they are."""
    compared = tuple(_compared(baseline, window) if window.enough else window for window in found)
    closed = [one for one in compared if isinstance(one, ComparedWindow) and not one.window.open]
    features = [
        each.feature
        for position, each in enumerate(baseline.features)
        if _alarms([one.features[position].drift.state for one in closed])
    ]
    return Watch(baseline, compared, frozenset(features), _alarms([one.scores.state for one in closed]))


def _alarms(states: Sequence[DriftState]) -> bool:
    """Whether the states of closed windows, oldest first, call for a look."""
    if not states:
        return False
    last = states[-RUNNING:]
    return last[-1] == DriftState.drifted or (len(last) == RUNNING and DriftState.quiet not in last)


def _compared(baseline: Baseline, window: Window) -> ComparedWindow:
    counted = window.counted
    return ComparedWindow(
        window,
        tuple(_features(baseline, counted.features)),
        score_drift(baseline, counted.scores),
        expected_quality(counted.scores, counted.sums),
    )


def score_drift(baseline: Baseline, counts: Counts) -> Drift:
    """The smaller drift from new rows and from rows that the model was fitted on: customers of today may be either."""
    references = (baseline.scores, baseline.fitted_scores)
    return min(compare(each.counts, counts, each.critical) for each in references if each is not None)


def _features(baseline: Baseline, counted: Sequence[Counts]) -> Iterator[ComparedFeature]:
    for feature, counts in zip(baseline.features, counted, strict=True):
        rows = counts.sum()
        unseen = counts[-2] / rows if feature.choices is not None else 0.0
        yield ComparedFeature(
            compare(feature.counts, counts, feature.critical), float(counts[-1] / rows), float(unseen), counts
        )
