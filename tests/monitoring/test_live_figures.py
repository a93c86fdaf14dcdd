"""Figures from histograms, compared with those of the predictions themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score

from churn_api.monitoring.live_figures import live_quality, wilson
from churn_api.monitoring.quality_counts import QualityCounts, decode, encode
from churn_api.training.evaluation_metrics import expected_calibration_error

ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300)


def counted(probabilities, left, threshold=0.5):
    return QualityCounts.of(probabilities, left, probabilities >= threshold)


def drawn(rows, seed=1, sharpness=1.0):
    """Customers who leave as likely as their probability says, or otherwise."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(1, 2.5, rows)
    return probabilities, rng.random(rows) < probabilities**sharpness


@settings(max_examples=60, deadline=None)
@given(st.integers(200, 3000), st.integers(0, 10_000), st.floats(0.6, 1.6))
def test_figures(rows, seed, sharpness):
    """All figures agree with scikit-learn's, and with training's, within the width of a bin."""
    probabilities, left = drawn(rows, seed, sharpness)
    quality = live_quality(counted(probabilities, left))
    figures = quality.figures
    if figures is None:
        assert min(left.sum(), (~left).sum()) < 30
        return
    assert (quality.predictions, quality.leavers) == (rows, left.sum())
    assert figures.roc_auc.value == pytest.approx(roc_auc_score(left, probabilities), abs=1e-3)
    assert figures.brier.value == pytest.approx(brier_score_loss(left, probabilities), abs=1e-3)
    assert figures.calibration.value == pytest.approx(left.mean() - probabilities.mean(), abs=5e-4)
    # A bin is not divided between two groups, so the groups are not quite training's.
    assert figures.ece == pytest.approx(expected_calibration_error(left, probabilities), abs=0.02)
    assert figures.recall.value == pytest.approx(recall_score(left, probabilities >= 0.5))
    if figures.precision is not None:
        assert figures.precision.value == pytest.approx(precision_score(left, probabilities >= 0.5))
    assert sum(group.predictions for group in figures.reliability) == rows


@pytest.mark.parametrize("rows", [500, 2000])
def test_coverage(rows):
    """Of 95 % intervals of the area, about 95 in a hundred hold the true one."""
    probabilities, left = drawn(1_000_000)
    true = roc_auc_score(left, probabilities)
    hits = 0
    for seed in range(300):
        figures = live_quality(counted(*drawn(rows, 10_000 + seed))).figures
        hits += figures is not None and figures.roc_auc.low <= true <= figures.roc_auc.high
    assert 0.91 <= hits / 300 <= 0.985


@given(ROWS, ROWS)
def test_sums(first, second):
    """Counting two parts and adding them counts all, also by way of the database."""
    parts = [(np.array([p for p, _ in rows]), np.array([left for _, left in rows])) for rows in (first, second)]
    both = counted(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    summed = counted(*parts[0]).plus(counted(*parts[1]))
    assert all(np.array_equal(one, other) for one, other in zip(both, summed, strict=True))
    assert np.array_equal(decode(encode(both.loyal)), both.loyal)


def test_too_few():
    """With fewer than 30 leavers there is a rate with its interval, and no other figure."""
    probabilities, left = np.full(200, 0.2), np.arange(200) < 29
    quality = live_quality(counted(probabilities, left))
    assert quality.figures is None
    assert quality.rate.low < 0.145 < quality.rate.high
    assert live_quality(counted(probabilities, np.arange(200) < 30)).figures is not None


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_wilson(hits, of):
    """An interval of a share holds it, and stays between 0 and 1."""
    share = wilson(min(hits, of), of)
    assert 0 <= share.low <= share.value <= share.high <= 1
