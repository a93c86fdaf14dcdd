"""When a compiled model counts as equal to its pipeline: where a client cannot see a difference."""

import numpy as np
import pytest
from builders import customers, feature, signature
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from churn_api.contract.columns import Columns
from churn_api.registry.card import Parity
from churn_api.registry.equal_probabilities import equal_probabilities
from churn_api.scoring.onnx import OnnxScorer
from churn_api.scoring.output import Policy, policy_around
from churn_api.training.compilation import LOG_ODDS_TOLERANCE, TOLERANCE, compile_pipeline, verify_parity

PARITY = Parity(proven=True, tolerance=TOLERANCE, log_odds_tolerance=LOG_ODDS_TOLERANCE)


@pytest.fixture(scope="module")
def compiled():
    """A graph, rows, and what the graph itself says of them."""
    table = customers()[["tenure", "Churn"]]
    pipeline = make_pipeline(SimpleImputer(), LogisticRegression()).fit(table[["tenure"]], table["Churn"])
    graph = compile_pipeline(pipeline, signature(feature("tenure", "number")))
    numbers = table[["tenure"]].to_numpy("float64")
    columns = Columns(numbers, np.empty((len(numbers), 0), object))
    return graph, columns, OnnxScorer(graph).score(columns)


def test_small_differences_are_none(compiled):
    """Probabilities within 1e-6 are equal, and so are those within 1e-5 in log-odds."""
    graph, columns, scored = compiled
    log_odds = np.log(scored / (1 - scored))
    for expected in (scored + 9e-7, 1 / (1 + np.exp(-log_odds - 9e-6))):
        parity = verify_parity(graph, columns, expected, policy_around(0.999))
        assert parity.proven
        assert parity.largest_difference == pytest.approx(np.max(np.abs(expected - scored)))


def test_one_row_that_differs(compiled):
    """One row with another probability is enough; the reason counts such rows and names the largest difference."""
    graph, columns, scored = compiled
    expected = scored.copy()
    expected[3] += 1e-4
    parity = verify_parity(graph, columns, expected, policy_around(0.999))
    assert not parity.proven
    assert parity.reason == "1 of 300 rows differ; the largest difference is 0.0001"


@pytest.mark.parametrize(
    ("bound", "column"), [("threshold", "churn_prediction"), ("medium_from", "risk_band"), ("high_from", "risk_band")]
)
def test_one_decision_that_differs(compiled, bound, column):
    """A row that gets another decision or band is not equal, however near its probabilities."""
    graph, columns, scored = compiled
    bounds = {"threshold": 0.999, "medium_from": 0.0, "high_from": 1.0, bound: float(np.max(scored))}
    parity = verify_parity(graph, columns, scored - 1e-12, Policy(**bounds))
    assert not parity.proven
    assert f"rows have another {column}" in parity.reason


@given(st.floats(0, 1), st.floats(0, 1))
def test_equality_is_mutual(one, other):
    """Whether two probabilities are equal does not depend on their order; each equals itself."""
    first, second = np.array([one]), np.array([other])
    assert equal_probabilities(first, second, PARITY) == equal_probabilities(second, first, PARITY)
    assert equal_probabilities(first, first, PARITY).all()


def test_cards_of_earlier_versions():
    """A card without a tolerance of log-odds compares probabilities alone."""
    earlier = Parity(proven=True, tolerance=1e-6)
    assert not equal_probabilities(np.array([0.5]), np.array([0.5 + 2e-6]), earlier).any()
    assert equal_probabilities(np.array([0.5]), np.array([0.5 + 2e-6]), PARITY).all()
