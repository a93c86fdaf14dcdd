"""Pipelines as data scientists build them, compiled: each decides as it does itself."""

import warnings

import numpy as np
import pandas as pd
import pytest
from builders import customers, feature, signature
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from churn_api.contract.columns import Columns, concatenate
from churn_api.scoring.onnx import OnnxScorer
from churn_api.scoring.sklearn import to_frame
from churn_api.training.compilation import CompilationError, compile_pipeline
from churn_api.training.graphs.graph_writer import UnsupportedStepError
from churn_api.training.graphs.pipeline_graph import write_graph

NUMBERS, TEXTS = ["tenure", "MonthlyCharges"], ["Contract", "Region"]
SIGNATURE = signature(*(feature(name, "number") for name in NUMBERS), *(feature(name, "string") for name in TEXTS))
NAN = np.nan


def encoded(*numbers, texts=None):
    """Numbers through the given steps, and texts encoded."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False) if texts is None else texts
    return make_column_transformer(
        (make_pipeline(*numbers) if numbers else "passthrough", NUMBERS), (encoder, TEXTS), sparse_threshold=0
    )


def ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=NAN, encoded_missing_value=NAN)


def native(**options):
    return HistGradientBoostingClassifier(categorical_features=[2, 3], random_state=0, **options)


def lightgbm(**options):
    library = pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install lightgbm")
    return library.LGBMClassifier(n_estimators=40, verbosity=-1, random_state=0, **options)


def xgboost(**options):
    library = pytest.importorskip("xgboost", reason="XGBoost is not installed: pip install xgboost-cpu")
    return library.XGBClassifier(n_estimators=40, random_state=0, n_jobs=1, **options)


def bins(encode="onehot"):
    return KBinsDiscretizer(5, encode=encode, quantile_method="averaged_inverted_cdf")


FOREST = RandomForestClassifier(30, random_state=0)
PIPELINES = {
    "logistic": lambda: make_pipeline(encoded(SimpleImputer(), StandardScaler()), LogisticRegression(max_iter=1000)),
    "logistic on sparse bins": lambda: make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), make_union(StandardScaler(), bins())), NUMBERS),
            (OneHotEncoder(handle_unknown="ignore"), TEXTS),
        ),
        LogisticRegression(max_iter=1000),
    ),
    "trees on bins": lambda: make_pipeline(
        encoded(SimpleImputer(), bins("onehot-dense")), DecisionTreeClassifier(max_depth=6)
    ),
    "imputer with indicator": lambda: make_pipeline(
        encoded(SimpleImputer(add_indicator=True), RobustScaler()), LogisticRegression(max_iter=1000)
    ),
    "random forest": lambda: make_pipeline(encoded(SimpleImputer()), FOREST),
    "random forest behind a scaler": lambda: make_pipeline(encoded(SimpleImputer(), StandardScaler()), FOREST),
    "random forest on missing values": lambda: make_pipeline(encoded(), FOREST),
    "extra trees behind a scaler": lambda: make_pipeline(
        encoded(SimpleImputer(), MinMaxScaler(clip=True)), ExtraTreesClassifier(30, random_state=0)
    ),
    "gradient boosting behind a scaler": lambda: make_pipeline(
        encoded(SimpleImputer(), MaxAbsScaler()), GradientBoostingClassifier(random_state=0)
    ),
    "deep boosting": lambda: make_pipeline(
        encoded(), HistGradientBoostingClassifier(max_iter=400, early_stopping=False, max_leaf_nodes=60)
    ),
    "boosting on categories": lambda: make_pipeline(encoded(texts=ordinal()), native()),
    "boosting on categories that come first": lambda: make_pipeline(
        make_column_transformer((ordinal(), TEXTS), (StandardScaler(), NUMBERS)),
        HistGradientBoostingClassifier(categorical_features=[0, 1], random_state=0),
    ),
    "boosting on rates": lambda: make_pipeline(
        encoded(texts=TargetEncoder(cv=3)), HistGradientBoostingClassifier(random_state=0)
    ),
    "texts imputed": lambda: make_pipeline(
        encoded(
            SimpleImputer(),
            texts=make_pipeline(
                SimpleImputer(strategy="most_frequent"), OneHotEncoder(drop="first", handle_unknown="ignore")
            ),
        ),
        LogisticRegression(max_iter=1000),
    ),
    "selected columns": lambda: make_pipeline(
        make_column_transformer(
            (SimpleImputer(), make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
        ),
        FunctionTransformer(),
        SelectKBest(k=4),
        FOREST,
    ),
    "calibrated forest": lambda: CalibratedClassifierCV(make_pipeline(encoded(SimpleImputer()), FOREST), cv=3),
    "isotonic boosting": lambda: CalibratedClassifierCV(
        make_pipeline(encoded(texts=ordinal()), native()), method="isotonic", cv=3
    ),
    "isotonic forest": lambda: make_pipeline(
        encoded(SimpleImputer()), CalibratedClassifierCV(FOREST, method="isotonic", cv=3, ensemble=False)
    ),
    "votes": lambda: VotingClassifier(
        [
            ("linear", make_pipeline(encoded(SimpleImputer(), StandardScaler()), LogisticRegression(max_iter=1000))),
            ("forest", make_pipeline(encoded(SimpleImputer()), FOREST)),
            ("boosting", make_pipeline(encoded(texts=ordinal()), native())),
        ],
        voting="soft",
        weights=[1, 2, 3],
    ),
    "search": lambda: GridSearchCV(
        make_pipeline(encoded(SimpleImputer()), DecisionTreeClassifier(random_state=0)),
        {"decisiontreeclassifier__max_depth": [2, 5]},
    ),
    "LightGBM": lambda: make_pipeline(encoded(), lightgbm()),
    "LightGBM on categories": lambda: make_pipeline(
        encoded(texts=ordinal()), lightgbm(categorical_feature=[2, 3], min_data_per_group=5)
    ),
    "LightGBM behind a scaler": lambda: make_pipeline(encoded(SimpleImputer(), StandardScaler()), lightgbm()),
    "XGBoost": lambda: make_pipeline(encoded(), xgboost()),
    "XGBoost behind a scaler": lambda: make_pipeline(encoded(SimpleImputer(), StandardScaler()), xgboost()),
}


@pytest.fixture(scope="module")
def table():
    """A table whose numbers are no float32, with missing cells in every column."""
    rng = np.random.default_rng(3)
    frame = customers(rows=600, seed=3)
    frame["MonthlyCharges"] = (frame["MonthlyCharges"] + rng.normal(0, 0.001, len(frame))).round(7)
    frame["tenure"] = frame["tenure"].astype("float64").mask(rng.random(len(frame)) < 0.05)
    return frame.assign(**{name: frame[name].astype(object).mask(rng.random(len(frame)) < 0.05) for name in TEXTS})


@pytest.fixture(scope="module")
def columns(table):
    """The table's rows, then rows with categories that it does not hold, nothing at all, and a huge number."""
    rows = Columns(table[NUMBERS].to_numpy("float64"), table[TEXTS].fillna("").to_numpy(object))
    strange = Columns(
        np.array([[NAN, NAN], [1e30, 60.0], [0.1 + 0.2, 0.3], [12, 29.85]]),
        np.array([["", ""], ["Never seen", ""], ["", "Never seen"], ["month-to-month", "One year"]], object),
    )
    return concatenate([rows, strange])


def fitted(pipeline, table):
    """A fitted pipeline; XGBoost takes no labels but 0 and 1."""
    labels = table["Churn"] == "Yes" if "xgbclassifier" in pipeline.get_params() else table["Churn"]
    with warnings.catch_warnings():
        # How well they learn does not matter here.
        warnings.simplefilter("ignore")
        return pipeline.fit(table[NUMBERS + TEXTS], labels)


def itself(pipeline, columns):
    with warnings.catch_warnings():
        # LightGBM is fitted on arrays with names that it makes itself, and asked without.
        warnings.simplefilter("ignore")
        return pipeline.predict_proba(to_frame(columns, SIGNATURE))[:, 1]


@pytest.mark.parametrize("name", PIPELINES)
def test_equal_in_doubles(table, columns, name):
    """Pipelines of scalers, encoders, imputers, trees, calibrators and votes compile to graphs that equal them."""
    pipeline = fitted(PIPELINES[name](), table)
    graph = write_graph(pipeline, SIGNATURE).SerializeToString()
    scorer = OnnxScorer(graph)
    scored = scorer.score(columns)
    # XGBoost adds in float32; the logistic model's terms are rounded.
    exact = 1e-6 if "XGBoost" in name else 1e-8
    np.testing.assert_allclose(scored, itself(pipeline, columns), rtol=0, atol=exact)
    alone = np.concatenate([scorer.score(row) for row in columns.blocks(1)])
    assert np.array_equal(alone, scored)
    assert compile_pipeline(pipeline, SIGNATURE) == graph


@pytest.mark.parametrize("name", ["random forest behind a scaler", "deep boosting", "boosting on categories"])
def test_numbers_beside_a_threshold(table, name):
    """Numbers that lie on a tree's threshold, or one double beside it, take the branch that the pipeline takes."""
    pipeline = fitted(PIPELINES[name](), table)
    values = np.unique(table["MonthlyCharges"].dropna())
    edges = np.concatenate([values, (values[1:] + values[:-1]) / 2])
    charges = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    columns = Columns(
        np.stack([np.full(len(charges), 12.0), charges], axis=1),
        np.full((len(charges), 2), "One year", object),
    )
    scored = OnnxScorer(compile_pipeline(pipeline, SIGNATURE)).score(columns)
    np.testing.assert_allclose(scored, itself(pipeline, columns), rtol=0, atol=1e-12)


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_any_categories(data):
    """Boosting that splits any number of categories into sets compiles to its equal, seen or not."""
    count = data.draw(st.integers(1, 50), label="categories")
    rng = np.random.default_rng(data.draw(st.integers(0, 1000), label="seed"))
    texts = rng.choice([f"category {index}" for index in range(count)], (300, 2)).astype(object)
    texts[rng.random(texts.shape) < 0.1] = ""
    labels = np.where(rng.random(300) < np.array([hash_(text) for text in texts[:, 0]]), "Yes", "No")
    frame = pd.DataFrame(np.where(texts == "", np.nan, texts), columns=TEXTS)
    declared = signature(*(feature(name, "string") for name in TEXTS))
    boosting = HistGradientBoostingClassifier(
        categorical_features=[0, 1], min_samples_leaf=2, max_iter=20, early_stopping=False
    )
    pipeline = make_pipeline(make_column_transformer((ordinal(), TEXTS)), boosting).fit(frame, labels)
    asked = np.concatenate([texts, [["unseen", ""], ["", "unseen"]]])
    scored = OnnxScorer(compile_pipeline(pipeline, declared)).score(Columns(np.empty((len(asked), 0)), asked))
    rows = pd.DataFrame(np.where(asked == "", np.nan, asked), columns=TEXTS)
    np.testing.assert_allclose(scored, pipeline.predict_proba(rows)[:, 1], rtol=0, atol=1e-12)


def hash_(text):
    """A share that depends on the text alone."""
    return sum(map(ord, text)) % 7 / 7


def doubled(frame):
    return frame.assign(MonthlyCharges=frame["MonthlyCharges"] * 2)


NOT_COMPILED = {
    "compute its columns before training": lambda: make_pipeline(
        FunctionTransformer(doubled), encoded(SimpleImputer()), FOREST
    ),
    "put an OrdinalEncoder before it": lambda: make_pipeline(
        make_column_transformer(("passthrough", TEXTS)),
        HistGradientBoostingClassifier(categorical_features=[0, 1]),
    ),
    "use 'sigmoid'": lambda: CalibratedClassifierCV(
        make_pipeline(encoded(SimpleImputer()), FOREST), method="temperature", cv=3
    ),
}
"""Pipelines by their remedy."""


@pytest.mark.parametrize("remedy", NOT_COMPILED)
def test_what_does_not_compile_says_why(table, remedy):
    """A step without a rule is named, with what to do instead."""
    classifier = fitted(NOT_COMPILED[remedy](), table)
    with pytest.raises(UnsupportedStepError, match=remedy):
        write_graph(classifier, SIGNATURE)
    with pytest.raises(CompilationError, match=remedy):
        compile_pipeline(classifier, SIGNATURE)
