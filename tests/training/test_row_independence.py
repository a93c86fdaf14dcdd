"""The same record gives the same double, alone and among others, whichever way its pipeline was compiled."""

import numpy as np
import onnx
import pytest
from builders import customers, feature, signature
from onnx import TensorProto, helper
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from churn_api.contract.columns import Columns
from churn_api.scoring.onnx import OnnxScorer
from churn_api.training.compilation import compile_pipeline, verify_parity
from churn_api.training.graphs.graph_writer import LANES, GraphWriter
from churn_api.training.row_independence import scores_rows_independently

BY_SKL2ONNX = {
    "products of columns": lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression()),
    "projections": lambda: make_pipeline(StandardScaler(), PCA(2), LogisticRegression()),
    "a network": lambda: make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=300, random_state=0)),
}


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", BY_SKL2ONNX)
def test_pipelines_that_skl2onnx_compiles(name):
    """They equal their pipelines, and a row gets the same double alone and in a batch."""
    table = customers(200).dropna()
    names = ["tenure", "MonthlyCharges"]
    frame = table[names].astype("float64")
    pipeline = BY_SKL2ONNX[name]().fit(frame, table["Churn"])
    graph = compile_pipeline(pipeline, signature(*(feature(each, "number") for each in names)))
    columns = Columns(frame.to_numpy(), np.empty((len(frame), 0), object))
    assert verify_parity(graph, columns, pipeline.predict_proba(frame)[:, 1]).proven
    scorer = OnnxScorer(graph)
    alone = np.concatenate([scorer.score(row) for row in columns.blocks(1)])
    assert np.array_equal(alone, scorer.score(columns))


def graph_of(operator: str, width: int) -> onnx.ModelProto:
    """A graph with one operator on rows of this width."""
    writer = GraphWriter()
    added = writer.add("Add", "rows", writer.constant(np.zeros(width)))
    inputs = [helper.make_tensor_value_info("rows", TensorProto.DOUBLE, [None, width])]
    return writer.finish(inputs, writer.add(operator, added), "result")


@pytest.mark.parametrize(("width", "independent"), [(1, False), (2, False), (LANES, True), (2 * LANES, True)])
@pytest.mark.parametrize("operator", ["Sigmoid", "Exp"])
def test_exponentials(operator, width, independent):
    """An exponential counts as independent of other rows only where a row fills what a processor takes at once."""
    assert scores_rows_independently(graph_of(operator, width)) == independent


@pytest.mark.parametrize(("operator", "independent"), [("Abs", True), ("Softmax", False), ("Tanh", False)])
def test_other_operators(operator, independent):
    """Operators that compute each element exactly are independent of other rows at any width, others are not."""
    assert scores_rows_independently(graph_of(operator, 1)) == independent
