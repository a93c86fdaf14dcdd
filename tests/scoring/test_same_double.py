"""The same record gives the same double: difference exactly 0, alone, in a batch of any size, at any position."""

import warnings
from functools import cache

import numpy as np
import onnx
import pytest
from builders import customers, write_csv
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from churn_api.contract.columns import Columns, concatenate
from churn_api.scoring.onnx import NUMBERS, PROBABILITY, OnnxScorer
from churn_api.scoring.sklearn import SklearnScorer
from churn_api.training.calibration import with_calibrator
from churn_api.training.candidates import CANDIDATES, Learning
from churn_api.training.compilation import compile_pipeline
from churn_api.training.preparation import prepare
from churn_api.training.training_options import TrainingOptions
from churn_api.training.validation import fit

ELSEWHERE = {
    "packaged logistic": LogisticRegression(max_iter=1000),
    "packaged liblinear": LogisticRegression(solver="liblinear"),
    "packaged logistic, cross-validated": LogisticRegressionCV(Cs=3, cv=3, max_iter=1000),
    "packaged logistic, calibrated": CalibratedClassifierCV(LogisticRegression(max_iter=1000), cv=3),
    "packaged forest": RandomForestClassifier(120, random_state=0),
    "packaged extra trees": ExtraTreesClassifier(20, random_state=0),
    "packaged boosting": GradientBoostingClassifier(n_estimators=120, random_state=0),
    "packaged naive Bayes": GaussianNB(),
    "packaged gradient descent": SGDClassifier(loss="log_loss", random_state=0),
    "packaged network": MLPClassifier((16,), max_iter=50, random_state=0),
}
SCALED = ("packaged gradient descent", "packaged network")
OURS = [f"{name}{how}" for name in CANDIDATES for how in ("", ", calibrated")]
NOT_COMPILED = [f"{name}, not compiled" for name in ("logistic", "boosting, calibrated", "packaged logistic")]
MODELS = [*OURS, *ELSEWHERE, *NOT_COMPILED]
SIZES = [*range(1, 71), 127, 128, 129, *range(499, 503), 1000, 2500]
FEW_SIZES = [2, 3, 4, 5, 8, 9, 16, 17, 33, 500]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A small table, prepared for training."""
    path = write_csv(customers(400, seed=4), tmp_path_factory.mktemp("same_double") / "customers.csv")
    return prepare(path, TrainingOptions(target="Churn", identifier="customerID"))


@pytest.fixture(scope="module")
def scorer_of(table):
    """A scorer by its name in MODELS, fitted once."""
    return cache(lambda name: _scorer(table, name))


def _scorer(table, name):
    with warnings.catch_warnings():
        # The quality of the models does not matter here.
        warnings.simplefilter("ignore")
        pipeline = _pipeline(table, name.removesuffix(", not compiled"))
    if name in NOT_COMPILED:
        return SklearnScorer(pipeline, table.signature)
    return OnnxScorer(compile_pipeline(pipeline, table.signature))


def _pipeline(table, name):
    if name in ELSEWHERE:
        numbers = [feature.name for feature in table.signature.features if feature.numeric]
        texts = [feature.name for feature in table.signature.features if not feature.numeric]
        scaled = make_pipeline(SimpleImputer(), StandardScaler()) if name in SCALED else SimpleImputer()
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        columns = make_column_transformer((scaled, numbers), (one_hot, texts), sparse_threshold=0)
        return fit(make_pipeline(columns, ELSEWHERE[name]), table.frame, table.labels)
    plain = CANDIDATES[name.removesuffix(", calibrated")](table.signature, table.columns, Learning())
    return fit(with_calibrator(plain) if "calibrated" in name else plain, table.frame, table.labels)


def records(columns, rows, seed=0):
    """Records whose values are drawn from a table independently, some missing, some out of vocabulary."""
    rng = np.random.default_rng(seed)
    numbers, texts = (
        np.stack([rng.choice(column, rows) for column in block.T], axis=1) for block in (columns.numbers, columns.texts)
    )
    texts[rng.random(texts.shape) < 0.1] = "Never seen"
    texts[rng.random(texts.shape) < 0.1] = ""
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    return Columns(numbers, texts)


def each_alone(scorer, columns):
    return np.concatenate([scorer.score(row) for row in columns.blocks(1)])


@pytest.mark.parametrize("name", MODELS)
def test_any_size_and_position(scorer_of, table, name):
    """Each record of a batch of any size gets the same double as alone, at any position in the batch."""
    scorer = scorer_of(name)
    one_by_one = records(table.columns, 131)
    alone = each_alone(scorer, one_by_one)
    for size in SIZES if name not in NOT_COMPILED else FEW_SIZES:
        for first in (0, 1, 7, 50):
            rows = (first + np.arange(size)) % 131
            np.testing.assert_array_equal(scorer.score(one_by_one.take(rows)), alone[rows])


NUMBERS_OF_ALL_SORTS = st.one_of(
    st.floats(-1e4, 1e4), st.sampled_from([np.nan, 0.0, 1e-45, 1e30, -1e30, 3.4e38, -3.4e38])
)
TEXTS_OF_ALL_SORTS = st.one_of(st.sampled_from(["Month-to-month", "One year", "North", "East", ""]), st.text())


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_record(scorer_of, table, name, data):
    """Any record, with missing values and numbers far outside training, gets the same double alone and in a batch."""
    drawn = [
        np.array([[data.draw(kind) for _ in range(block.shape[1])]], block.dtype)
        for kind, block in ((NUMBERS_OF_ALL_SORTS, table.columns.numbers), (TEXTS_OF_ALL_SORTS, table.columns.texts))
    ]
    record, before, after = Columns(*drawn), data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40))
    parts = [records(table.columns, before, seed=1), record, records(table.columns, after, seed=2)]
    scorer = scorer_of(name)
    np.testing.assert_array_equal(scorer.score(concatenate(parts))[before], scorer.score(record)[0])


def test_records_differ(scorer_of, table):
    """The two claims above are not trivial: different records get different probabilities from every model."""
    for name in MODELS:
        assert len(np.unique(scorer_of(name).score(records(table.columns, 131)))) > 10, name


@pytest.mark.parametrize(
    ("name", "rows"),
    [("logistic", None), ("boosting, calibrated", None), ("packaged forest", None), ("packaged naive Bayes", 1)],
)
def test_rows_that_a_graph_takes(table, name, rows):
    """A graph takes any number of rows, unless it has an operator that may add a row's columns in another order."""
    graph = onnx.load_from_string(compile_pipeline(_pipeline(table, name), table.signature))
    shapes = [node.type.tensor_type.shape for node in graph.graph.input]
    assert [shape.dim[0].dim_value or None for shape in shapes] == [rows] * len(shapes)


def test_nothing_is_computed_in_vain(table):
    """Every node of a compiled model contributes to the probability: there are no labels."""
    graph = onnx.load_from_string(compile_pipeline(_pipeline(table, "logistic, calibrated"), table.signature)).graph
    read = {name for node in graph.node for name in node.input} | {PROBABILITY}
    assert all(read.intersection(node.output) for node in graph.node)
    assert all(constant.name in read for constant in graph.initializer)


class OnTheEdge:
    """A classifier whose probabilities lie halfway between two multiples of 2^-28, and depend on the other rows."""

    classes_ = np.array(["No", "Yes"])

    def get_params(self, deep=True):
        return {}

    def set_params(self):
        return self

    def predict_proba(self, frame):
        noise = 2**-50 if len(frame) > 1 else -(2**-50)
        positive = 0.25 + 2.0**-29 + np.where(np.arange(len(frame)) % 3 == 0, noise, 2.0**-30)
        return np.stack([1 - positive, positive], axis=1)


def test_noise_decides_nothing(table):
    """Without a compiled model, a probability that noise could round either way equals that of the record alone."""
    scorer = SklearnScorer(OnTheEdge(), table.signature)
    columns = records(table.columns, 7)
    assert scorer.score(columns)[[0, 3, 6]].tolist() == [0.25] * 3
    assert scorer.score(columns.take([0])).tolist() == [0.25]


def test_older_bundles(monkeypatch):
    """A graph compiled by an earlier version, with a matrix product and inputs of any length, still serves."""
    scores = helper.make_node(
        "LinearClassifier",
        [NUMBERS],
        ["label", "scores"],
        domain="ai.onnx.ml",
        coefficients=[-1.0, -2.0, 1.0, 2.0],
        intercepts=[0.0, 0.0],
        post_transform="LOGISTIC",
        classlabels_strings=["No", "Yes"],
    )
    last = helper.make_node("Gather", ["scores", "positive"], [PROBABILITY], axis=1)
    graph = helper.make_graph(
        [scores, last],
        "older",
        [helper.make_tensor_value_info(NUMBERS, TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info(PROBABILITY, TensorProto.FLOAT, [None])],
        [helper.make_tensor("positive", TensorProto.INT64, [], [1])],
    )
    versions = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    scorer = OnnxScorer(helper.make_model(graph, opset_imports=versions, ir_version=9).SerializeToString())
    row_counts, score = [], scorer._score
    monkeypatch.setattr(scorer, "_score", lambda columns: row_counts.append(columns.rows) or score(columns))
    numbers = np.array([[0.0, 0.0], [1.0, 1.0]])
    probabilities = scorer.score(Columns(numbers, np.empty((2, 0), object)))
    assert probabilities == pytest.approx([0.5, 1 / (1 + np.exp(-3))], abs=1e-6)
    assert row_counts == [2]
