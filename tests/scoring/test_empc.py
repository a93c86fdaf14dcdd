"""The expected maximum profit of a ranking."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from churn_api.scoring.empc import ALPHA, BETA, CONTACT, OFFER, VALUE, beta_cdf, empc, roc_hull

SHARES = (np.arange(1000) + 0.5) / 1000
"""Shares of leavers that the offer keeps, to integrate over."""

rankings = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.floats(0.2, 3)), min_size=2, max_size=40).filter(
    lambda rows: len({left for _, left, _ in rows}) == 2
)


def by_definition(scores, left, weights):
    """The mean, over what the offer may keep, of the largest profit that any threshold gives."""
    total = weights.sum()
    profits = [np.zeros(len(SHARES))]
    for threshold in np.unique(scores):
        called = scores >= threshold
        leavers, loyal = (weights * left)[called].sum() / total, (weights * (1 - left))[called].sum() / total
        profits.append(leavers * (SHARES * (VALUE - OFFER) - CONTACT) - loyal * (OFFER + CONTACT))
    best = np.max(profits, axis=0)
    return float(np.average(best, weights=beta.pdf(SHARES, ALPHA, BETA)))


@given(rankings)
def test_it_is_the_mean_of_the_best_profits(rows):
    """EMPC is the mean over all shares that an offer may keep of the profit at the best threshold."""
    scores, left, weights = np.array(rows, float).T
    rate = float(np.average(left, weights=weights))
    hull = roc_hull(scores, left, weights)
    assert empc(hull, rate) == pytest.approx(by_definition(scores, left, weights), rel=1e-3, abs=1e-3)


@given(rankings)
def test_the_hull_is_above_the_curve(rows):
    """The hull rises ever less, ends where all are called, and no threshold is above it."""
    scores, left, _ = np.array(rows, float).T
    hull = roc_hull(scores, left)
    assert (hull.loyal[[0, -1]] == [0, 1]).all()
    assert (hull.leavers[[0, -1]] == [0, 1]).all()
    turns = np.diff(hull.leavers)[:-1] * np.diff(hull.loyal)[1:] - np.diff(hull.leavers)[1:] * np.diff(hull.loyal)[:-1]
    assert (turns > -1e-12).all()
    for threshold in np.unique(scores):
        called = scores >= threshold
        above = np.interp(called[left == 0].mean(), hull.loyal, hull.leavers)
        assert called[left == 1].mean() <= above + 1e-9 or called[left == 0].mean() == 0


@given(st.floats(0, 1), st.sampled_from([(6, 14), (7, 14), (1, 1), (3, 2)]))
def test_the_beta_distribution(x, parameters):
    """The sum of binomial chances is the distribution function of the Beta."""
    assert beta_cdf(x, *parameters) == pytest.approx(float(beta.cdf(x, *parameters)), abs=1e-12)


def test_more_is_better():
    """A perfect ranking is worth more than a random one, and that more than the reverse."""
    left = np.array([0.0, 0, 1, 0, 1, 1])
    perfect, none = empc(roc_hull(left, left), 0.5), empc(roc_hull(np.zeros(6), left), 0.5)
    reverse = empc(roc_hull(-left, left), 0.5)
    assert perfect > none >= reverse > 0
