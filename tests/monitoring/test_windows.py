"""How hours become windows."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from builders import feature, signature
from hypothesis import given
from hypothesis import strategies as st

from churn_api.monitoring.hourly_counts import HourCounts
from churn_api.monitoring.watch import ComparedWindow, watch
from churn_api.monitoring.windows import windows
from churn_api.registry.baseline import SCORE_BINS, Baseline, FeatureBaseline, ScoreBaseline
from churn_api.registry.bin_counts import BinCounter

START = datetime(2026, 11, 1, tzinfo=UTC)
SIGNATURE = signature(feature("partner", "boolean"))
BASELINE = Baseline(
    rows=1000,
    features=(FeatureBaseline(feature="partner", edges=(0.5,), counts=(500, 500, 0), critical=10),),
    scores=ScoreBaseline(counts=(1000, *[0] * (SCORE_BINS - 1)), sums=(10.0, *[0.0] * (SCORE_BINS - 1)), critical=10),
)
COUNTER = BinCounter(SIGNATURE, BASELINE.features)


def hour(number, rows, share=0.5):
    counts = np.zeros(COUNTER.size)
    counts[0], counts[1], counts[3] = rows - round(rows * share), round(rows * share), rows
    return HourCounts(START + timedelta(hours=number), counts)


def found(hours, now_hours=10_000):
    return windows(hours, COUNTER, START + timedelta(hours=now_hours))


@pytest.mark.parametrize(
    ("hours", "lengths"),
    [
        ([hour(0, 6000), hour(1, 6000)], [6000, 6000]),
        ([hour(n, 100) for n in range(48)], [2400, 2400]),
        ([hour(0, 150), hour(30, 60), hour(31, 5000)], [210, 5000]),
        ([hour(0, 10), hour(400, 10)], [20]),
        ([], []),
    ],
)
def test_closing(hours, lengths):
    """A window closes with 5,000 rows, or after a day with at least 200; with fewer it waits for more."""
    assert [window.counted.rows for window in found(hours)] == lengths


def test_the_present_hour():
    """A window that may still grow is open, also with many rows while its hour lasts."""
    (window,) = found([hour(0, 9000)], now_hours=0.5)
    assert window.open
    (window,) = found([hour(0, 9000)], now_hours=1)
    assert not window.open
    assert [window.open for window in found([hour(0, 300)], now_hours=23)] == [True]
    assert [window.open for window in found([hour(0, 300)], now_hours=24)] == [False]


@given(st.lists(st.integers(1, 7000), max_size=60))
def test_no_row_is_lost(rows):
    """Every row is in one window, and windows are in order."""
    made = found([hour(number, each) for number, each in enumerate(rows)])
    assert sum(window.counted.rows for window in made) == sum(rows)
    assert all(before.end <= after.start for before, after in pairwise(made))


def test_counts_of_another_baseline():
    """Hours with counts of another shape are left out."""
    other = HourCounts(START, np.zeros(COUNTER.size + 1))
    assert [window.counted.rows for window in found([other, hour(1, 300)])] == [300]


@pytest.mark.parametrize(
    ("shares", "alert"),
    [
        ([0.5, 0.5, 0.5], False),
        ([0.5, 0.58, 0.5], False),
        ([0.5, 0.58, 0.58], True),
        ([0.5, 0.5, 0.9], True),
        ([0.9, 0.5, 0.5], False),
        ([0.9, 0.58], True),
        ([0.58], False),
    ],
)
def test_alerts(shares, alert):
    """A feature alarms where it drifted in the last closed window, or has moved in two in a row."""
    watched = watch(BASELINE, found([hour(number, 5000, share) for number, share in enumerate(shares)]))
    assert (watched.alerts == {"partner"}) == alert


def test_open_windows_do_not_alarm():
    """What an open window shows may be chance: it is compared, and raises no alert."""
    watched = watch(BASELINE, found([hour(0, 4000, 0.95)], now_hours=2))
    assert not watched.alerts
    assert isinstance(watched.latest, ComparedWindow)


def test_too_few():
    """A window with fewer than 200 rows is not compared."""
    watched = watch(BASELINE, found([hour(0, 199, 0.95)]))
    assert watched.latest is None
    assert len(watched.windows) == 1


@pytest.mark.parametrize(("bins", "alert"), [((0,), False), ((40,), False), ((20,), True)])
def test_scores_like_either(bins, alert):
    """Probabilities like those of new rows, or like those of the rows that the model learned from, raise no alert."""
    learned = ScoreBaseline(
        counts=tuple(1000 * (position == 40) for position in range(SCORE_BINS)),
        sums=tuple(810.0 * (position == 40) for position in range(SCORE_BINS)),
        critical=10,
    )
    counts = np.zeros(COUNTER.size)
    counts[:2] = 2500
    for position in bins:
        counts[3 + position] += 5000
    baseline = msgspec.structs.replace(BASELINE, fitted_scores=learned)
    assert watch(baseline, found([HourCounts(START, counts)])).score_alert == alert
