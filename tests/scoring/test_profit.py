"""The profit curve of evaluated customers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.scoring.costs import Costs
from churn_api.scoring.profit import PROFIT_BINS, OutcomeHistogram, profit, profit_curve

customers = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.floats(0.1, 5)), min_size=1, max_size=60)


@st.composite
def costs_of_all(draw):
    """Costs with one value, such that a call of a certain leaver pays."""
    offer, contact, success = draw(st.floats(0, 100)), draw(st.floats(0, 100)), draw(st.floats(0.05, 1))
    value = offer + (contact + draw(st.floats(1, 1000))) / success
    return Costs(offer=offer, contact=contact, value=value, success=success, acceptance=draw(st.floats(0, 1)))


def counted(rows):
    probabilities, left, weights = np.array(rows, float).T
    return probabilities, left, weights, OutcomeHistogram.of(probabilities, left, weights)


@given(costs_of_all(), customers, st.integers(0, PROFIT_BINS))
def test_the_curve_is_the_sum_over_customers(costs, rows, edge):
    """At the edge of a bin the curve is the sum over the customers whose probability reaches it."""
    probabilities, left, weights, histogram = counted(rows)
    curve = profit_curve(costs, costs.value, histogram)
    called = np.floor(np.minimum(probabilities * PROFIT_BINS, PROFIT_BINS - 1)) >= edge
    gains = left * costs.gain(1.0, costs.value) + (1 - left) * costs.gain(0.0, costs.value)
    total = float((gains * weights)[called].sum())
    assert curve.profits[edge] == pytest.approx(total, rel=1e-9, abs=1e-6)
    at_edge = profit(costs, costs.value, *histogram.called(edge / PROFIT_BINS))
    assert at_edge == pytest.approx(curve.profits[edge], rel=1e-6, abs=1e-6)


@given(costs_of_all(), customers)
def test_no_threshold_is_better_than_the_best(costs, rows):
    """No threshold of the curve has a larger profit than the best, and calling no one is among them."""
    curve = profit_curve(costs, costs.value, counted(rows)[-1])
    threshold, most = curve.best
    assert most == curve.profits.max() >= 0 == curve.profits[-1]
    assert (curve.profits[curve.thresholds > threshold] < most).all()


def test_with_right_probabilities_the_threshold_is_the_best():
    """Where of each hundred customers as many leave as their probability says, no threshold beats that of the costs."""
    costs = Costs(offer=10, contact=1, value=200, success=0.3)
    middles = (np.arange(PROFIT_BINS) + 0.5) / PROFIT_BINS
    histogram = OutcomeHistogram(1000 * middles, 1000 * (1 - middles))
    best, most = profit_curve(costs, 200, histogram).best
    assert best == pytest.approx(costs.break_even(200), abs=1 / PROFIT_BINS)
    assert profit(costs, 200, *histogram.called(costs.break_even(200))) == pytest.approx(most, rel=1e-4)
    assert histogram.expected_leavers == pytest.approx(histogram.leavers.sum())
