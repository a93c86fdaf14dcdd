"""Contributions are those of the library shap, with the same background."""

import numpy as np
import onnx
import pytest
from builders import feature, signature
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from churn_api.contract.columns import Columns
from churn_api.scoring.onnx import OnnxExplainer
from churn_api.scoring.sklearn import to_frame
from churn_api.training.compilation import compile_pipeline
from churn_api.training.reasons.additive_form import additive_form
from churn_api.training.reasons.exact_reasons import exact_reasons
from churn_api.training.reasons.graph_view import GraphView
from churn_api.training.reasons.reasons_graph import Background

shap = pytest.importorskip("shap", reason="shap is not installed: pip install shap")

NAMES = ["tenure", "charges", "calls", "age", "visits"]
SIGNATURE = signature(*(feature(name, "number") for name in NAMES))


@pytest.fixture(scope="module")
def rows():
    """Numbers that float32 holds, since shap's trees compute in it, and a target in which they act together."""
    rng = np.random.default_rng(7)
    numbers = rng.normal(0, 1, (150, len(NAMES))).astype(np.float32).astype(np.float64)
    labels = (numbers[:, 0] * numbers[:, 1] + numbers[:, 2] > 0.2).astype(int)
    return Columns(numbers, np.empty((150, 0), object)), labels


def every_row(background):
    """By default shap draws a hundred."""
    return shap.maskers.Independent(background, max_samples=len(background))


def tree_values(model, background, records):
    explainer = shap.TreeExplainer(model, every_row(background), feature_perturbation="interventional")
    values = np.asarray(explainer.shap_values(records, check_additivity=False))
    return values[..., 1] if values.ndim == 3 else values


def linear_values(model, background, records):
    return shap.LinearExplainer(model, every_row(background)).shap_values(records)


@pytest.mark.parametrize(
    ("step", "model", "values"),
    [
        (FunctionTransformer(), GradientBoostingClassifier(n_estimators=20, random_state=0), tree_values),
        (FunctionTransformer(), RandomForestClassifier(10, max_depth=4, random_state=0), tree_values),
        (StandardScaler(), LogisticRegression(), linear_values),
    ],
    ids=["boosting", "forest", "logistic"],
)
def test_equal(rows, step, model, values):
    """Interventional values of the same model against the same rows differ by less than 1e-6."""
    columns, labels = rows
    pipeline = make_pipeline(step, model).fit(to_frame(columns, SIGNATURE), labels)
    view = GraphView(onnx.load_from_string(compile_pipeline(pipeline, SIGNATURE)))
    reasons = exact_reasons(view, additive_form(view), SIGNATURE, Background.of(columns))
    records = columns.take(range(0, 150, 5))
    _, ours = OnnxExplainer(reasons.graph).explain(records)
    before = pipeline[:-1].transform
    given, wanted = (np.asarray(before(to_frame(some, SIGNATURE)), np.float64) for some in (columns, records))
    assert np.abs(ours - values(model, given, wanted)).max() < 1e-6
    assert np.abs(ours).max() > 0.1
