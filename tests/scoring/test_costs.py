"""The gain of a call, and the threshold that follows from costs."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from churn_api.scoring.costs import Costs
from churn_api.scoring.output import decide

amounts = st.floats(0, 1e6, allow_subnormal=False)
shares = st.floats(0, 1, allow_subnormal=False)


@st.composite
def by_customer(draw):
    """Costs whose value differs by customer, so that a call need not pay."""
    success = draw(st.floats(0.01, 1))
    return Costs(offer=draw(amounts), contact=draw(amounts), value="spend", success=success, acceptance=draw(shares))


def one_by_one(costs, probability, worth):
    """What a call gains, customer by customer: who leaves is kept or not, who stays takes the offer or not."""
    kept, lost = costs.success, 1 - costs.success
    leaver = kept * (worth - costs.offer - costs.contact) - lost * costs.contact
    loyal = costs.acceptance * -(costs.offer + costs.contact) - (1 - costs.acceptance) * costs.contact
    return probability * leaver + (1 - probability) * loyal


@given(by_customer(), shares, st.floats(-1e6, 1e6))
def test_the_gain_is_the_mean_over_what_can_happen(costs, probability, worth):
    """The gain of a call is the mean over the four things that can happen to a customer who is called."""
    scale = 1 + abs(worth) + costs.offer + costs.contact
    assert costs.gain(probability, worth) == pytest.approx(one_by_one(costs, probability, worth), abs=1e-12 * scale)


@given(by_customer(), shares, st.floats(-1e6, 1e6))
def test_the_threshold_is_where_the_gain_begins(costs, probability, worth):
    """A customer is called exactly where the call gains something, whatever the amounts are."""
    gain = one_by_one(costs, probability, worth)
    assume(abs(gain) > 1e-9 * (1 + abs(worth) + costs.offer + costs.contact))
    assert bool(decide(probability, costs.break_even(worth))) == (gain > 0)


@given(by_customer(), st.lists(st.tuples(shares, st.floats(-1e6, 1e6)), min_size=1, max_size=20))
def test_many_are_as_each(costs, customers):
    """Arrays of customers get, to the last bit, what each of them gets alone."""
    probabilities, worth = np.array(customers).T
    assert costs.break_even(worth).tolist() == [costs.break_even(value) for value in worth.tolist()]
    gains = [costs.gain(probability, value) for probability, value in customers]
    assert costs.gain(probabilities, worth).tolist() == gains
    spent = [costs.spending(probability) for probability in probabilities.tolist()]
    assert costs.spending(probabilities).tolist() == spent


@given(by_customer(), shares, st.floats(0, 1e6))
def test_what_is_earned_less_what_is_spent(costs, probability, worth):
    """The gain of a call is the value of those whom it keeps, less what it spends."""
    earned = probability * costs.success * worth
    gain = costs.gain(probability, worth)
    assert earned - costs.spending(probability) == pytest.approx(
        gain, abs=1e-12 * (1 + worth + costs.offer + costs.contact)
    )


def test_a_value_that_is_not_known_has_no_threshold():
    """Where the value of a customer is not known, neither is the threshold."""
    assert math.isnan(Costs(offer=10, contact=1, value="spend", success=0.3).break_even(math.nan))


def test_months_and_margin():
    """A monthly charge is worth its margin over so many months."""
    costs = Costs(offer=10, contact=1, value="MonthlyCharges", success=0.3, months=12, margin=0.5)
    assert costs.worth(70.0) == pytest.approx(420)


@pytest.mark.parametrize(
    "wrong",
    [
        {"offer": -1},
        {"offer": math.nan},
        {"contact": math.inf},
        {"value": 0},
        {"value": math.nan},
        {"value": 11},  # less than offer and contact cost
        {"success": 0},
        {"success": 1.01},
        {"success": math.nan},
        {"acceptance": -0.1},
        {"months": 0},
        {"margin": 1.5},
        {"margin": math.nan},
    ],
)
def test_costs_that_mean_nothing(wrong):
    """Costs that are no amounts or shares, and those with which no call could pay, are refused."""
    right = {"offer": 10, "contact": 1, "value": 200, "success": 0.3}
    assert Costs(**right).break_even(200) == pytest.approx(11 / 67)
    with pytest.raises(ValueError, match=r"value|share|amount|no call"):
        Costs(**(right | wrong))
