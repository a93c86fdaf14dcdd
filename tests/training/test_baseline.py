"""The baseline that packaging writes into a card."""

import numpy as np
import pytest
from builders import customers, feature, signature, write_csv
from conftest import train_on
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.columns import ColumnsBuilder
from churn_api.registry.bundle import read_card
from churn_api.registry.evaluation_report import read_report
from churn_api.training.baseline import baseline_of

SCORES = np.linspace(0, 1, 300)


def baseline_of_column(values, kind, **parts):
    described = signature(feature("x", kind, **parts))
    return baseline_of(described, ColumnsBuilder(described).build_from_rows([(value,) for value in values]), SCORES)


@given(st.lists(st.none() | st.integers(-50, 50), min_size=200, max_size=300))
def test_numbers(values):
    """Deciles of the values that are there: each range has rows, and every row is in one bin."""
    (column,) = baseline_of_column(values, "integer").features
    *ranges, missing = column.counts
    assert sum(column.counts) == len(values)
    assert missing == values.count(None)
    assert len(ranges) <= 10
    assert 0 not in ranges or ranges == [0]


def test_texts():
    """The ten most frequent categories have bins; a text that says who a customer is, has none."""
    letters = [letter for count, letter in enumerate("abcdefghijkl", 10) for _ in range(count)] + [""] * 20
    (column,) = baseline_of_column(letters, "string", choices=tuple("abcdefghijkl")).features
    assert column.choices == tuple("lkjihgfedc")
    assert column.counts == (*range(21, 11, -1), 21, 0, 20)
    assert baseline_of_column([f"name {number}" for number in range(300)], "string").features == ()


def test_too_few():
    """Fewer than two hundred rows make no baseline."""
    assert baseline_of_column([1] * 199, "integer") is None
    assert baseline_of_column([1] * 200, "integer") is not None


def test_of_a_training(tmp_path):
    """A trained model's card has it; its probabilities are those of the evaluation, not of rows that were learned."""
    train_on(write_csv(customers(400), tmp_path / "table.csv"), tmp_path, "small")
    card = read_card(tmp_path / "small" / "1")
    assert card.baseline is not None
    assert [one.feature for one in card.baseline.features] == [one.name for one in card.signature.features]
    assert card.baseline.rows == sum(card.baseline.features[0].counts) == 400
    report = read_report(tmp_path / "small" / "1", card)
    assert sum(card.baseline.scores.counts) == report.rows
    assert sum(card.baseline.fitted_scores.counts) == 400
    mean = sum(each.predicted * each.rows for each in report.calibration) / report.rows
    assert sum(card.baseline.scores.sums) / report.rows == pytest.approx(mean, abs=1e-6)
