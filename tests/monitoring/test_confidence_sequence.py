"""The confidence sequence, looked at a hundred times: it rarely decides wrongly, and decides soon."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.monitoring.confidence_sequence import Sums, group_interval, paired_interval
from churn_api.monitoring.experiment_verdict import losses, verdict

LOOKS = np.linspace(200, 5000, 100).astype(int)
SIMULATED = 400


def to_probability(log_odds):
    return 1 / (1 + np.exp(-log_odds))


class Customers:
    """Customers with a rate of leaving and a separability as on the Telco table (0.29, ROC-AUC 0.84)."""

    def __init__(self, rng, rows):
        self.rng, self.rows = rng, rows
        self.log_odds = rng.normal(-1.35, 1.75, rows)
        self.left = rng.random(rows) < to_probability(self.log_odds)

    def brier(self, noise=0.0, shift=0.0):
        """The losses of a model that is off by noise, or by a shift, in log-odds."""
        said = to_probability(self.log_odds + noise * self.rng.normal(size=self.rows) + shift)
        return losses(said, self.left)["brier"]


def sums_at(values, looks=LOOKS):
    """The sums of the first so many values, for each look."""
    return [
        Sums(*each) for each in zip(looks, np.cumsum(values)[looks - 1], np.cumsum(values**2)[looks - 1], strict=True)
    ]


def ever_decides(intervals):
    return any(interval is not None and interval.decided for interval in intervals)


def usual_interval_decides(values):
    """Whether the usual interval for one look excludes zero in any of them."""
    return any(abs(each.mean) > 1.96 * np.sqrt(each.variance / each.size) for each in sums_at(values))


def test_no_difference_is_rarely_found():
    """Of equally good versions one is called better in at most 5 of 100 experiments; usual intervals do so in 33."""
    rng = np.random.default_rng(7)
    wrong, usual = 0, 0
    for _ in range(SIMULATED):
        customers = Customers(rng, LOOKS[-1])
        differences = customers.brier(0.5) - customers.brier(0.5)
        wrong += ever_decides(map(paired_interval, sums_at(differences)))
        usual += usual_interval_decides(differences)
    assert wrong / SIMULATED <= 0.05
    assert 0.25 <= usual / SIMULATED <= 0.42


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_no_difference_of_groups_is_rarely_found(share):
    """The same holds for two groups, of equal size or not."""
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(SIMULATED // 2):
        customers = Customers(rng, LOOKS[-1])
        values, challenged = customers.brier(0.5), rng.random(LOOKS[-1]) < share
        sizes = np.cumsum(challenged)[LOOKS - 1]
        live, other = np.where(challenged, 0, values), np.where(challenged, values, 0)
        first = [
            each._replace(size=int(look - size)) for each, look, size in zip(sums_at(live), LOOKS, sizes, strict=True)
        ]
        second = [each._replace(size=int(size)) for each, size in zip(sums_at(other), sizes, strict=True)]
        wrong += ever_decides(map(group_interval, first, second))
    assert wrong / (SIMULATED // 2) <= 0.05


@pytest.mark.parametrize(
    ("noise", "shift", "soon", "median"), [(0.5, 0.0, 4000, 1300), (1.0, 0.0, 1000, 400), (0.0, 0.5, 4000, 950)]
)
def test_a_difference_is_found(noise, shift, soon, median):
    """A worse challenger is found, half of the times before about 1,300, 400 and 950 outcomes."""
    rng = np.random.default_rng(9)
    looks = np.unique(np.geomspace(200, soon, 60).astype(int))
    stops = []
    for _ in range(100):
        customers = Customers(rng, soon)
        found = [paired_interval(each) for each in sums_at(customers.brier() - customers.brier(noise, shift), looks)]
        stops.append(next((one.outcomes for one in found if one.decided), np.inf))
        assert not any(one.low > 0 for one in found)
    assert np.mean(np.isfinite(stops)) >= 0.8
    assert median / 2 <= np.median(stops) <= 1.5 * median


def test_pairs_need_fewer_outcomes_than_groups():
    """Of the same difference, the interval of pairs is a fraction of that of two groups as wide."""
    customers = Customers(np.random.default_rng(3), 4000)
    good, bad = customers.brier(), customers.brier(0.5)
    pairs = paired_interval(Sums.of(good - bad))
    groups = group_interval(Sums.of(good[:2000]), Sums.of(bad[2000:]))
    assert groups.high - groups.low > 4 * (pairs.high - pairs.low)


@given(st.integers(0, 1000), st.integers(200, 400), st.integers(1, 199))
def test_sums_of_days_are_sums_of_all(seed, rows, cut):
    """Sums by day give the same interval as the values themselves, and the mean lies in the middle."""
    values = np.random.default_rng(seed).uniform(-1, 1, rows)
    together = paired_interval(Sums.of(values[:cut]).plus(Sums.of(values[cut:])))
    alone = paired_interval(Sums.of(values))
    assert together.difference == pytest.approx(alone.difference, abs=1e-12)
    assert together.low == pytest.approx(alone.low, abs=1e-9)
    assert alone.low <= values.mean() + 1e-12
    assert alone.high >= values.mean() - 1e-12


def test_too_few():
    """Fewer than 200 outcomes, or 100 of either group, decide nothing, however large the difference."""
    certain = Sums.of(np.ones(199))
    assert paired_interval(certain) is None
    assert group_interval(Sums.of(np.ones(5000)), Sums.of(np.zeros(99))) is None
    assert verdict("shadow", {("brier", "paired"): certain}).state == "too-few"


def test_the_verdict_says_who_is_better():
    """A lower loss is better: of a shadow by its Brier score, of an A/B test by who stays."""
    rng = np.random.default_rng(1)
    worse = Sums.of(rng.normal(-0.1, 0.1, 1000))
    assert verdict("shadow", {("brier", "paired"): worse}).better == "live"
    rates = {
        ("left", "control"): Sums.of(rng.random(3000) < 0.4),
        ("left", "challenger"): Sums.of(rng.random(3000) < 0.2),
    }
    found = verdict("ab", rates)
    assert (found.state, found.better, found.outcomes) == ("decided", "challenger", 6000)
    assert verdict("ab", {}).state == "too-few"
