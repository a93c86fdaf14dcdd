"""The quality to be expected from probabilities alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from churn_api.monitoring.expected_quality import expected_quality, roc_auc

BINS = 50


def histogram(probabilities, weights=None):
    return np.bincount(np.minimum((probabilities * BINS).astype(int), BINS - 1), weights, BINS).astype(float)


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 3))
def test_of_calibrated_probabilities(seed, shape):
    """Where probabilities are right, what is expected is what outcomes then show: within the band and chance."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(shape, 2, 4000)
    labels = rng.random(4000) < probabilities
    expected = expected_quality(histogram(probabilities), histogram(probabilities, probabilities))
    lower, upper = expected.band
    assert lower - 0.01 <= roc_auc_score(labels, probabilities) <= upper + 0.01
    assert expected.brier == pytest.approx(brier_score_loss(labels, probabilities), abs=0.03)
    assert expected.rate == pytest.approx(labels.mean(), abs=0.04)


@pytest.mark.parametrize("rows", [200, 1000, 5000])
def test_deviation(rows):
    """In 95 of a hundred samples the true area is within two deviations of what the sample shows."""
    rng = np.random.default_rng(rows)
    true = 0.7602  # of two normal distributions, one deviation apart: Phi(1 / sqrt 2)
    within = 0
    for _ in range(300):
        labels = rng.random(rows) < 0.27
        scores = 1 / (1 + np.exp(-rng.normal(labels * 1.0, 1)))
        bins = np.minimum((scores * 1000).astype(int), 999)
        area, deviation = roc_auc(*(np.bincount(bins[labels == kind], minlength=1000).astype(float) for kind in (1, 0)))
        within += abs(area - true) <= 1.96 * deviation
    assert 0.91 <= within / 300 <= 0.985


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty(probability):
    """Where no one or everyone would leave there is no area under a curve."""
    counts = histogram(np.full(10, probability))
    expected = expected_quality(counts, counts * probability)
    assert (expected.roc_auc, expected.band, expected.brier, expected.rate) == (None, None, 0, probability)
