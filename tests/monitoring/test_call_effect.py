"""What calling changes, from the outcomes of a control group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from churn_api.monitoring.call_effect import MIN_LEAVERS, Group, call_effect, difference
from churn_api.monitoring.live_figures import wilson

groups = st.integers(1, 5000).flatmap(
    lambda customers: st.integers(0, customers).map(lambda leavers: Group(customers, leavers))
)


@given(groups)
def test_share(group):
    """The interval of one share is Wilson's, as SciPy has it."""
    expected = binomtest(group.leavers, group.customers).proportion_ci(method="wilson")
    assert wilson(group.leavers, group.customers)[1:] == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_published_example():
    """56 of 70 against 48 of 80: Newcombe's own example, .0524 to .3339."""
    found = difference(Group(70, 56), Group(80, 48))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(("rate", "success"), [(0.5, 0.3), (0.3, 0.0), (0.7, 0.15)])
def test_intervals_hold_the_truth(rate, success):
    """In 95 of 100 campaigns the intervals hold the true effect; without one, few campaigns claim any."""
    rng = np.random.default_rng(int(1000 * rate))
    rounds = 2000
    control, called = rng.binomial(400, rate, rounds), rng.binomial(3600, rate * (1 - success), rounds)
    effects = [
        call_effect(Group(3600, a), Group(400, b)) for a, b in zip(called.tolist(), control.tolist(), strict=True)
    ]
    held = np.mean([one.success.low <= success <= one.success.high for one in effects])
    assert held == pytest.approx(0.95, abs=0.015)
    held = np.mean([one.reduction.low <= rate * success <= one.reduction.high for one in effects])
    assert held == pytest.approx(0.95, abs=0.015)
    claimed = np.mean([one.is_measured for one in effects])
    assert claimed < 0.04 if success == 0 else claimed > 0.7


def test_too_few():
    """With fewer than thirty leavers in a group nothing is measured."""
    few = call_effect(Group(1000, 500), Group(100, MIN_LEAVERS - 1))
    assert (few.reduction, few.success, few.is_measured) == (None, None, False)
    assert call_effect(Group(0, 0), Group(0, 0)).reduction is None
    assert call_effect(Group(1000, 300), Group(100, 60)).is_measured
