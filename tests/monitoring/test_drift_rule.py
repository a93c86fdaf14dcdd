"""When a window differs from the training rows: by more than chance, and by enough to matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.columns import Columns
from churn_api.monitoring.drift import DriftState, chi_square, compare, stability_index
from churn_api.registry.bin_counts import BinCounter
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.baseline import baseline_of

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=8).filter(any)


class Customers:
    """The IBM Telco table as training and as the source of later customers, with a probability that is made up."""

    def __init__(self, path):
        from churn_api.training.preparation import prepare
        from churn_api.training.training_options import TrainingOptions

        self.signature = prepare(path, TrainingOptions(target="Churn", identifier="customerID")).signature
        self.columns = to_columns(read_table(path), self.signature)
        self.scores = np.random.default_rng(3).beta(1, 3, self.columns.rows)
        self.baseline = baseline_of(self.signature, self.columns, self.scores)
        self.counter = BinCounter(self.signature, self.baseline.features)

    def share_that_alarms(self, rows, windows, change=None, name=None):
        """Of windows of so many customers, drawn again: the share in which any feature, or the named one, alarms."""
        rng = np.random.default_rng(rows)
        alarms = 0
        for _ in range(windows):
            drawn = rng.integers(0, self.columns.rows, rows)
            columns = Columns(*(array.copy() for array in self.columns.take(drawn)))
            if change:
                change(self, columns, rng)
            counted = self.counter.split(self.counter.count(columns, self.scores[drawn]))
            states = {
                baseline.feature: compare(baseline.counts, counts, baseline.critical).state
                for baseline, counts in zip(self.baseline.features, counted.features, strict=True)
            }
            scores = compare(self.baseline.scores.counts, counted.scores, self.baseline.scores.critical).state
            alarms += bool(states[name]) if name else any((*states.values(), scores))
        return alarms / windows

    def number(self, columns, name):
        numbers = [each.name for each in self.signature.features if each.numeric]
        return columns.numbers[:, numbers.index(name)]

    def text(self, columns, name):
        texts = [each.name for each in self.signature.features if not each.numeric]
        return columns.texts[:, texts.index(name)]


@pytest.fixture(scope="module")
def source(telco):
    return Customers(telco)


@pytest.mark.parametrize(("rows", "windows"), [(200, 150), (1000, 60), (5000, 20)])
def test_false_alarms(source, rows, windows):
    """Of windows of the same customers at most one in fifty alarms, whatever their size."""
    assert source.share_that_alarms(rows, windows) <= 0.02


def dearer(source, columns, rng):
    source.number(columns, "MonthlyCharges")[:] *= 1.05


def monthly(share):
    def change(source, columns, rng):
        contracts = source.text(columns, "Contract")
        others = np.flatnonzero(contracts != "Month-to-month")
        contracts[rng.choice(others, int(share * len(contracts)), replace=False)] = "Month-to-month"

    return change


def missing(source, columns, rng):
    source.number(columns, "TotalCharges")[rng.random(columns.rows) < 0.03] = np.nan


def unseen(source, columns, rng):
    source.text(columns, "PaymentMethod")[rng.random(columns.rows) < 0.02] = "Crypto"


def years(source, columns, rng):
    tenure = source.number(columns, "tenure")
    tenure[:] = tenure // 12


@pytest.mark.parametrize(
    ("change", "name", "power"),
    [
        (dearer, "MonthlyCharges", (0.8, 1, 1)),
        (monthly(0.10), "Contract", (0.05, 0.9, 1)),
        (missing, "TotalCharges", (0.75, 1, 1)),
        (unseen, "PaymentMethod", (0.85, 1, 1)),
        (years, "tenure", (1, 1, 1)),
    ],
)
def test_power(source, change, name, power):
    """What has changed is found: at 200, 1,000 and 5,000 customers in at least this share of windows."""
    found = [
        source.share_that_alarms(rows, windows, change, name) for rows, windows in ((200, 80), (1000, 40), (5000, 10))
    ]
    assert all(share >= least for share, least in zip(found, power, strict=True)), found


def test_too_small_to_matter(source):
    """Five more of a hundred customers with another contract are called quiet, by choice: it changes too little."""
    assert source.share_that_alarms(5000, 20, monthly(0.05), "Contract") <= 0.1


@given(COUNTS, st.integers(1, 50))
def test_same_shares(counts, times):
    """A window with the shares of training is quiet, however large it is."""
    window = np.array(counts) * times
    found = compare(counts, window, 1e-6)
    assert found.statistic == pytest.approx(0, abs=1e-6)
    assert found.state == DriftState.quiet


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=8))
def test_chi_square_is_the_usual_one(pairs):
    """The statistic is that of scipy's contingency table, over the bins that anybody is in."""
    from scipy.stats import chi2_contingency

    both = np.array(pairs, np.float64).T
    if not both.sum(axis=1).all() or np.count_nonzero(both.sum(axis=0)) < 2:
        return
    expected = chi2_contingency(both[:, both.sum(axis=0) > 0], correction=False).statistic
    assert chi_square(*both) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_index():
    """The stability index is finite where a bin is empty, and grows with the difference."""
    reference = np.array([500.0, 500.0, 0.0])
    values = [stability_index(reference, np.array(window)) for window in ([50, 50, 0], [40, 60, 0], [10, 60, 30])]
    assert np.isfinite(values).all()
    assert values == sorted(values)
