"""Contributions equal Shapley values by their definition, add up, and do not depend on other rows."""

from functools import cache

import numpy as np
import onnx
import pytest
from builders import customers, feature, signature
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from churn_api.contract.columns import Columns
from churn_api.scoring.onnx import NUMBERS, PROBABILITY, OnnxExplainer, OnnxScorer
from churn_api.scoring.sklearn import to_frame
from churn_api.training.compilation import compile_pipeline
from churn_api.training.golden import golden_rows
from churn_api.training.graphs.graph_writer import GraphWriter
from churn_api.training.graphs.trees import Comparison, Leaf, Split, add_trees
from churn_api.training.reasons import packaged_reasons
from churn_api.training.reasons.additive_form import additive_form
from churn_api.training.reasons.brute_force import brute_force
from churn_api.training.reasons.exact_reasons import exact_reasons
from churn_api.training.reasons.graph_view import GraphView, NotExactError
from churn_api.training.reasons.packaged_reasons import package_reasons
from churn_api.training.reasons.reasons_graph import Background
from churn_api.training.reasons.sampled_reasons import sampled_reasons
from churn_api.training.reasons.tree_reasons import tree_reasons

NAN = np.nan
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
SIGNATURE = signature(
    feature("tenure", "number"), feature("MonthlyCharges", "number"), feature("Contract", "string"),
    feature("Partner", "string"), feature("Region", "string"),
)  # fmt: skip
NUMERIC, TEXT = ["tenure", "MonthlyCharges"], ["Contract", "Partner", "Region"]


def table(rows=200, seed=1):
    """Columns with missing values and a target."""
    frame = customers(rows, seed)
    texts = frame[TEXT].fillna("").to_numpy(object)
    return Columns(frame[NUMERIC].to_numpy(np.float64), texts), (frame["Churn"] == "Yes").to_numpy(int)


def one_hot():
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False)


def ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=NAN, encoded_missing_value=NAN)


def encoded(texts, *numbers):
    return make_column_transformer(
        (make_pipeline(*numbers) if numbers else "passthrough", NUMERIC), (texts, TEXT), sparse_threshold=0
    )


def bins():
    return KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf")


def sigmoid(model):
    return CalibratedClassifierCV(model, method="sigmoid", cv=3, ensemble=False)


def boosted(**options):
    return HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5, random_state=0, **options)


EXACT = {
    "logistic": lambda: make_pipeline(
        encoded(one_hot(), SimpleImputer(), make_union(StandardScaler(), bins())), LogisticRegression(max_iter=500)
    ),
    "calibrated logistic": lambda: sigmoid(
        make_pipeline(encoded(one_hot(), SimpleImputer(), StandardScaler()), LogisticRegression(max_iter=500))
    ),
    "boosting on categories": lambda: make_pipeline(
        encoded(ordinal()), boosted(categorical_features=[2, 3, 4], max_leaf_nodes=8)
    ),
    "calibrated boosting": lambda: sigmoid(make_pipeline(encoded(ordinal()), boosted(max_leaf_nodes=31, max_depth=6))),
    "boosting on rates": lambda: make_pipeline(encoded(TargetEncoder(cv=FOLDS)), boosted(max_depth=6)),
    "gradient boosting": lambda: make_pipeline(
        encoded(one_hot(), SimpleImputer(add_indicator=True)),
        GradientBoostingClassifier(n_estimators=8, random_state=0),
    ),
    "small forest": lambda: make_pipeline(
        encoded(one_hot()), RandomForestClassifier(8, max_depth=4, random_state=0)
    ),
}  # fmt: skip
SAMPLED = {
    "full forest": lambda: make_pipeline(encoded(one_hot()), RandomForestClassifier(20, random_state=0)),
    "calibrated in folds": lambda: CalibratedClassifierCV(EXACT["gradient boosting"](), cv=3),
}
NONE = {
    "naive Bayes": lambda: make_pipeline(encoded(one_hot(), SimpleImputer()), GaussianNB()),
    "components": lambda: make_pipeline(encoded(one_hot(), SimpleImputer(), PCA(1)), LogisticRegression()),
}


@pytest.fixture(scope="module")
def compiled():
    """The graph of a pipeline by its name, fitted once."""

    @cache
    def graph(name):
        columns, labels = table()
        pipeline = (EXACT | SAMPLED | NONE)[name]().fit(to_frame(columns, SIGNATURE), labels)
        return compile_pipeline(pipeline, SIGNATURE)

    return graph


def mixed_records(count, seed=5):
    """Records with missing values and a category that training has not."""
    columns, _ = table(count, seed)
    columns.numbers[0] = NAN
    columns.texts[1] = ["nowhere", "", "never seen"]
    return columns


def log_odds(probabilities):
    return np.log(probabilities) - np.log1p(-probabilities)


@pytest.mark.parametrize("name", EXACT)
def test_equal_to_the_definition(compiled, name):
    """Pipelines of our candidates' kinds: contributions are the Shapley values against all weighted training rows."""
    columns, _ = table()
    weights = np.random.default_rng(2).integers(0, 4, columns.rows).astype(float)
    view = GraphView(onnx.load_from_string(compiled(name)))
    background = Background.of(columns, weights)
    reasons = exact_reasons(view, additive_form(view), SIGNATURE, background)
    scorer = OnnxScorer(compiled(name))
    scale = (lambda values: values) if reasons.scale == "probability" else log_odds
    records = mixed_records(6)
    probabilities, contributions = OnnxExplainer(reasons.graph).explain(records)
    assert np.array_equal(probabilities, scorer.score(records))
    assert np.abs(reasons.base + contributions.sum(axis=1) - scale(probabilities)).max() < 1e-9
    for row in range(records.rows):
        wanted = brute_force(
            lambda some: scale(scorer.score(some)), SIGNATURE, records.take([row]), background, list(range(5))
        )
        assert np.abs(contributions[row] - wanted).max() < 1e-9


def test_weights_are_repetitions(compiled):
    """A row of weight 2 counts as the row twice, and one of weight 0 not at all."""
    columns, _ = table(60, seed=9)
    view = GraphView(onnx.load_from_string(compiled("boosting on categories")))
    form, times = additive_form(view), np.random.default_rng(3).integers(0, 3, 60)
    weighted = exact_reasons(view, form, SIGNATURE, Background.of(columns, times))
    repeated = exact_reasons(view, form, SIGNATURE, Background.of(columns.take(np.repeat(np.arange(60), times))))
    records = mixed_records(20)
    assert weighted.base == pytest.approx(repeated.base, abs=1e-12)
    ours, theirs = (OnnxExplainer(reasons.graph).explain(records)[1] for reasons in (weighted, repeated))
    assert np.abs(ours - theirs).max() < 1e-12


WIDTH = 4
NUMBERS_ONLY = signature(*(feature(f"x{index}", "number") for index in range(WIDTH)))
VALUES = st.sampled_from([0.0, 1.0, 2.0, 3.0, NAN])
LEAVES = st.builds(Leaf, st.floats(-2, 2, allow_nan=False))


def splits(branches):
    column, threshold = st.integers(0, WIDTH - 1), st.sampled_from([0.0, 0.5, 1.0, 2.0])
    thresholds = st.builds(
        Split,
        column,
        st.sampled_from([Comparison.AT_MOST, Comparison.BELOW]),
        threshold,
        branches,
        branches,
        missing_is_true=st.booleans(),
    )
    members = st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0]), min_size=1, max_size=3, unique=True)
    sets = st.builds(
        Split, column, st.just(Comparison.ONE_OF), st.just(0.0), branches, branches, members=members.map(tuple)
    )
    return thresholds | sets


TREES = st.recursive(LEAVES, splits, max_leaves=14)


def graph_of_trees(trees):
    graph = GraphWriter()
    total = graph.add("Sigmoid", graph.add("Add", add_trees(graph, NUMBERS, trees), graph.lanes(0.25)))
    return graph.finish([helper.make_tensor_value_info(NUMBERS, TensorProto.DOUBLE, [None, WIDTH])], total, PROBABILITY)


def of_numbers(rows):
    return Columns(np.array(rows, np.float64), np.empty((len(rows), 0), object))


@settings(max_examples=60, deadline=None)
@given(
    trees=st.lists(TREES, min_size=1, max_size=3),
    background=st.lists(st.tuples(st.lists(VALUES, min_size=WIDTH, max_size=WIDTH), st.integers(1, 5)), min_size=1),
    record=st.lists(VALUES, min_size=WIDTH, max_size=WIDTH),
)
def test_any_trees(trees, background, record):
    """Trees of any shape, with sets, both comparisons, missing values to either side and branches that no record
    reaches: contributions are the Shapley values against a weighted background.
    """
    model = graph_of_trees(trees)
    view = GraphView(model)
    rows = Background.of(of_numbers([row for row, _ in background]), np.array([weight for _, weight in background]))
    try:
        reasons = exact_reasons(view, additive_form(view), NUMBERS_ONLY, rows)
    except NotExactError as error:
        assert "no branches" in str(error)
        return
    scorer = OnnxScorer(model.SerializeToString())
    columns = of_numbers([record])
    _, (contributions,) = OnnxExplainer(reasons.graph).explain(columns)
    wanted = brute_force(lambda some: log_odds(scorer.score(some)), NUMBERS_ONLY, columns, rows, list(range(WIDTH)))
    assert np.abs(contributions - wanted).max() < 1e-9


@pytest.mark.parametrize("name", EXACT)
def test_packaged_exact(compiled, name):
    """What is packaged is exact, is proven on every row, and gives a record the same doubles alone and among others."""
    columns, _ = table()
    golden = columns.take(range(20))
    graph, card, _ = package_reasons(compiled(name), SIGNATURE, columns, golden)
    assert (card.method, card.why, card.checked_rows, card.background_rows) == ("exact", None, 200, 200)
    assert card.scale == ("probability" if name == "small forest" else "log_odds")
    assert card.largest_gap < 1e-12
    assert card.brute_force.coalitions == 2**5
    assert card.brute_force.largest_difference < 1e-9
    explainer = OnnxExplainer(graph)
    together = explainer.explain(columns)[1]
    assert np.array_equal(together[list(card.golden_rows)], card.contributions)
    for row in range(0, columns.rows, 7):
        assert np.array_equal(explainer.explain(columns.take([row]))[1][0], together[row])


@pytest.mark.parametrize("name", SAMPLED)
def test_packaged_sampled(compiled, name):
    """Other graphs get an estimate on the scale of the probability, which adds up, and which the card marks."""
    columns, _ = table()
    graph, card, _ = package_reasons(compiled(name), SIGNATURE, columns, columns.take(range(10)))
    assert (card.method, card.scale, card.walks) == ("sampled", "probability", 32)
    assert card.why
    records = mixed_records(30)
    explainer = OnnxExplainer(graph)
    probabilities, contributions = explainer.explain(records)
    assert np.array_equal(probabilities, OnnxScorer(compiled(name)).score(records))
    assert np.abs(card.base + contributions.sum(axis=1) - probabilities).max() < 1e-12
    assert np.array_equal(explainer.explain(records.take([4]))[1][0], contributions[4])


def test_large_estimates_are_checked_on_some_rows(compiled, monkeypatch):
    """Estimates, of which each takes as long as scoring hundreds of rows, are checked on some of the rows."""
    monkeypatch.setattr(packaged_reasons, "ESTIMATED_ROWS", 50)
    columns, _ = table()
    _, card, _ = package_reasons(compiled("calibrated in folds"), SIGNATURE, columns, columns.take(range(10)))
    assert (card.background_rows, card.checked_rows) == (200, 50)


def test_large_tables_are_integers(compiled):
    """Tables that would be too large as doubles are integers: contributions differ by less than 1e-7, and a record has
    the same ones alone and among others.
    """
    columns, _ = table()
    view = GraphView(onnx.load_from_string(compiled("calibrated boosting")))
    form, background = additive_form(view), Background.of(columns)
    large = tree_reasons(view, form, SIGNATURE, background, 1 << 24).graph
    table_bytes = max(len(constant.raw_data) for constant in onnx.load_from_string(large).graph.initializer)
    graphs = [large, tree_reasons(view, form, SIGNATURE, background, table_bytes - 1).graph]
    doubles, integers = (OnnxExplainer(graph).explain(columns)[1] for graph in graphs)
    assert len(graphs[0]) - len(graphs[1]) == pytest.approx(table_bytes / 2, abs=500)
    assert 0 < np.abs(doubles - integers).max() < 1e-7
    assert np.array_equal(OnnxExplainer(graphs[1]).explain(columns.take([7]))[1][0], integers[7])


def test_an_estimate_is_near(compiled):
    """An estimate names the same strongest feature as exact contributions for most records."""
    columns, _ = table()
    name = "small forest"
    view = GraphView(onnx.load_from_string(compiled(name)))
    background = Background.of(columns)
    exact = exact_reasons(view, additive_form(view), SIGNATURE, background)
    sampled = sampled_reasons(view.model, SIGNATURE, background, seed=0)
    first = [np.abs(OnnxExplainer(reasons.graph).explain(columns)[1]).argmax(axis=1) for reasons in (exact, sampled)]
    assert np.mean(first[0] == first[1]) > 0.7


@pytest.mark.parametrize("name", NONE)
def test_packaged_without(compiled, name):
    """A graph that scores one row at a time has no reasons, and the card says why."""
    columns, _ = table()
    graph, card, _ = package_reasons(compiled(name), SIGNATURE, columns, columns.take(range(10)))
    assert (graph, card.method) == (None, "none")
    assert "one row at a time" in card.why


def test_no_rows_to_compare_with(compiled):
    """Without training rows there are no reasons, and the card says why."""
    columns, _ = table()
    _, card, _ = package_reasons(compiled("logistic"), SIGNATURE, columns.take([]), columns.take([0]))
    assert (card.method, card.why) == ("none", "there are no training rows to compare a customer with")


def test_wrong_reasons_are_not_packaged(compiled, monkeypatch):
    """Contributions that differ from their definition are not packaged: the model gets an estimate instead."""
    from churn_api.training.reasons import tree_reasons

    right = tree_reasons.shapley_tables
    monkeypatch.setattr(
        tree_reasons, "shapley_tables", lambda *arrays: (np.roll(right(*arrays)[0], 1, axis=-1), right(*arrays)[1])
    )
    columns, _ = table()
    _, card, _ = package_reasons(compiled("gradient boosting"), SIGNATURE, columns, columns.take(range(10)))
    assert card.method == "sampled"
    assert "differ from their definition" in card.why


def test_bundles_hold_no_customer(compiled):
    """An estimate compares with made-up rows: none has two values of one customer but by chance."""
    columns = Columns(np.arange(400.0).reshape(200, 2), np.array([[f"t{row}"] * 3 for row in range(200)], object))
    graph, *_ = package_reasons(compiled("full forest"), SIGNATURE, columns, columns.take([0]))
    arrays = [onnx.numpy_helper.to_array(each) for each in onnx.load_from_string(graph).graph.initializer]
    drawn = next(array for array in arrays if array.ndim == 2 and array.shape[1] == 2 and array.dtype == np.float64)
    pairs = {tuple(row) for row in drawn}
    assert sum(second == first + 1 for first, second in pairs) <= 1


def test_golden_rows_that_are_many(compiled):
    """The card has the contributions of at most 32 golden rows, the first and the last among them."""
    columns, _ = table()
    rows = golden_rows(SIGNATURE, columns, 0)
    assert len(rows) < 32
    _, card, _ = package_reasons(compiled("logistic"), SIGNATURE, columns, columns)
    assert (len(card.golden_rows), card.golden_rows[0], card.golden_rows[-1]) == (32, 0, 199)
