"""Bins and one-hot categories in compiled graphs: equal to scikit-learn's, and few nodes."""

import warnings

import numpy as np
import onnx
import pytest
from builders import customers, feature, signature
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder

from churn_api.contract.columns import Columns
from churn_api.training.compilation import compile_pipeline, verify_parity

NAMES = ["tenure", "MonthlyCharges"]


def compiled(encode):
    """A pipeline of bins, its graph, and the parity check on cells on edges, between edges, and far outside."""
    table = customers()
    bins = KBinsDiscretizer(5, encode=encode, quantile_method="averaged_inverted_cdf")
    columns = make_column_transformer((make_pipeline(SimpleImputer(), bins), NAMES), sparse_threshold=0)
    table["MonthlyCharges"] = table["MonthlyCharges"].round(-2)  # few values, so fewer bins than the other column
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Bins whose width are too small")
        pipeline = make_pipeline(columns, LogisticRegression()).fit(table[NAMES], table["Churn"])
    graph = compile_pipeline(pipeline, signature(*(feature(name, "number") for name in NAMES)))
    edges = pipeline.named_steps["columntransformer"].transformers_[0][1][-1].bin_edges_
    rows = table[NAMES].astype("float64")
    rows.iloc[: len(edges[0]), 0], rows.iloc[: len(edges[1]), 1] = edges
    rows.iloc[7], rows.iloc[8] = (-1e30, 1e30), (1e30, -1e30)
    numbers = rows.to_numpy("float64")
    proof = verify_parity(graph, Columns(numbers, numbers[:, :0].astype(object)), pipeline.predict_proba(rows)[:, 1])
    return onnx.load_from_string(graph), proof


@pytest.mark.parametrize("encode", ["onehot-dense", "ordinal"])
def test_bins_compile(encode):
    """Bins compile to an equal graph, for every encoding."""
    _, proof = compiled(encode)
    assert proof.proven, proof


def test_bins_are_few_nodes():
    """One-hot bins of all columns take three nodes together, since nodes determine the cost of a single row."""
    graph, _ = compiled("onehot-dense")
    nodes = [node.op_type for node in graph.graph.node]
    assert nodes[:5] == ["IsNaN", "Where", "ArrayFeatureExtractor", "Less", "Cast"]
    assert len(nodes) <= 9


def compiled_categories(**options):
    """Two one-hot columns that share categories, their graph, and parity on known and unknown categories."""
    table = customers()[["Contract", "Churn"]].assign(Previous=lambda t: t["Contract"].iloc[::-1].to_numpy())
    names = ["Contract", "Previous"]
    encoder = OneHotEncoder(sparse_output=False, **options)
    columns = make_column_transformer((encoder, names), sparse_threshold=0)
    pipeline = make_pipeline(columns, LogisticRegression()).fit(table[names], table["Churn"])
    rows = table[names].astype(object)
    if options.get("handle_unknown") == "ignore":
        rows.iloc[:3] = [["", "Never seen"], ["Never seen", ""], [" ", "month-to-month"]]
    texts = rows.to_numpy(object)
    graph = compile_pipeline(pipeline, signature(*(feature(name, "string") for name in names)))
    proof = verify_parity(graph, Columns(np.empty((len(rows), 0)), texts), pipeline.predict_proba(rows)[:, 1])
    return onnx.load_from_string(graph), proof


@pytest.mark.parametrize(
    "options",
    [
        {"handle_unknown": "ignore"},
        {},
        {"drop": "first"},
        {"handle_unknown": "ignore", "dtype": np.float32},
        {"handle_unknown": "infrequent_if_exist", "min_frequency": 110},
    ],
    ids=["ignore", "strict", "drop", "float32", "grouped"],
)
def test_categories_compile(options):
    """One-hot categories compile to an equal graph, including those that skl2onnx compiles."""
    _, proof = compiled_categories(**options)
    assert proof.proven, proof


def test_categories_are_few_nodes():
    """One-hot categories of all columns take four nodes together, and one node extracts all columns from the block."""
    graph, _ = compiled_categories(handle_unknown="ignore")
    nodes = [node.op_type for node in graph.graph.node]
    assert nodes[:4] == ["LabelEncoder", "ArrayFeatureExtractor", "Equal", "Cast"]
    assert len(nodes) <= 9
