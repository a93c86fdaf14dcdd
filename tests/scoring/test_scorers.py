"""One contract for every scorer: the compiled model and the pipeline itself give equal results."""

import numpy as np
import onnxruntime
import pytest

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.registry.bundle import JOBLIB_FILE, ONNX_FILE
from churn_api.registry.model import load_model
from churn_api.scoring import onnx, sklearn
from churn_api.scoring.onnx import OnnxScorer
from churn_api.scoring.sklearn import SklearnScorer, positive_index


@pytest.fixture(params=["onnx", "sklearn"])
def scorer(request, models_dir):
    folder = models_dir / "small" / "1"
    if request.param == "onnx":
        return OnnxScorer((folder / ONNX_FILE).read_bytes())
    return SklearnScorer.from_joblib((folder / JOBLIB_FILE).read_bytes(), load_model(folder).card.signature)


@pytest.fixture
def card(models_dir):
    return load_model(models_dir / "small" / "1").card


def test_shape_and_range(scorer, card):
    """Probabilities have shape (n,), are float64, and lie between 0 and 1."""
    columns = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)
    probabilities = scorer.score(columns)
    assert probabilities.shape == (columns.rows,)
    assert probabilities.dtype == np.float64
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_golden_rows(scorer, card):
    """Both scorers give the card's probabilities on its golden rows, including missing values and unseen categories."""
    columns = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)
    assert np.isnan(columns.numbers).any()
    assert (columns.texts == "").any()
    assert np.abs(scorer.score(columns) - card.golden.probabilities).max() <= 1e-6


def test_extremes(scorer, card):
    """The largest float32 numbers, and text in any script, are scored without an error."""
    known = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows[:1])
    for number in (3.4e38, -3.4e38, 1e-45, 0.0):
        columns = Columns(np.full_like(known.numbers, number), np.full_like(known.texts, "東京 \U0001f600 \x00"))
        (probability,) = scorer.score(columns)
        assert 0 <= probability <= 1


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("rows", [onnx.ROWS_AT_ONCE, 2 * onnx.ROWS_AT_ONCE, sklearn.ROWS_AT_ONCE])
def test_any_number_of_rows(scorer, card, rows, more):
    """For any number of rows, each row gets the same probability as alone, at its own position."""
    golden = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)
    alone = np.concatenate([scorer.score(golden.take([row])) for row in range(golden.rows)])
    positions = np.arange(rows + more) % golden.rows
    assert np.abs(scorer.score(golden.take(positions)) - alone[positions]).max() <= 1e-6


def test_few_rows_at_once(scorer, card, monkeypatch):
    """For any number of rows, no scorer holds intermediate results of all of them at once."""
    golden = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)
    bound = (onnx if isinstance(scorer, OnnxScorer) else sklearn).ROWS_AT_ONCE
    row_counts, score = [], scorer._score
    monkeypatch.setattr(scorer, "_score", lambda columns: row_counts.append(columns.rows) or score(columns))
    assert scorer.score(golden.take(np.arange(2 * bound + 7) % golden.rows)).shape == (2 * bound + 7,)
    assert row_counts == [bound, bound, 7]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [(["No", "Yes"], 1), (["Yes", "a"], 0), ([0, 1], 1), ([False, True], 1), ([0.0, 1.0], 1)],
)
def test_positive_class(card, classes, expected):
    """The positive label is found among a classifier's classes, by its text or as the usual 0 and 1."""
    assert positive_index(np.array(classes), card.signature.target) == expected


@pytest.mark.parametrize("classes", [["a", "b"], [1, 2], ["Yes"], ["Yes", "No", "Maybe"]])
def test_no_positive_class(card, classes):
    """Classes other than two, or without the positive label, are rejected."""
    with pytest.raises(ValueError, match="class"):
        positive_index(np.array(classes), card.signature.target)


def test_run_is_the_library_s_own(models_dir, card):
    """ONNX Runtime's public `run` gives the same numbers as the scorer, which calls its internal function."""
    graph = (models_dir / "small" / "1" / ONNX_FILE).read_bytes()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    columns = ColumnsBuilder(card.signature).build_from_rows(card.golden.rows)
    (expected,) = session.run([onnx.PROBABILITY], {onnx.NUMBERS: columns.numbers, onnx.TEXTS: columns.texts})
    assert OnnxScorer(graph).score(columns).tolist() == expected.tolist()
