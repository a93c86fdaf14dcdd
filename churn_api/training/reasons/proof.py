"""What is checked before a graph of reasons is packaged."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.card import BruteForce
from churn_api.scoring.explanation import Explanation
from churn_api.scoring.onnx import OnnxExplainer
from churn_api.serving.process_engine import cores
from churn_api.training.graphs.graph_writer import GraphWriter
from churn_api.training.reasons.additive_form import AdditiveForm
from churn_api.training.reasons.background_effects import BackgroundEffects
from churn_api.training.reasons.brute_force import brute_force, place_of
from churn_api.training.reasons.exact_reasons import exact_reasons
from churn_api.training.reasons.graph_view import GraphView
from churn_api.training.reasons.reasons_graph import Background, ReasonsGraph, intermediate

TOLERANCE = 1e-6
"""The largest difference that passes a check."""
PLAYERS = 8
ROWS_AT_ONCE = 4096
"""Rows that a thread explains before it takes the next ones."""
BACKGROUND_ROWS = 20
RECORDS = 4


class Additivity(NamedTuple):
    """What adding up the contributions of all rows showed."""

    largest_gap: float
    """The largest difference between a probability, and the one that base and contributions add up to."""
    mean_gap: float
    """The difference between the base, and the mean of what they add up to."""


def additivity(
    reasons: ReasonsGraph, background: Background, expected: NDArray[np.float64], effects: BackgroundEffects
) -> Additivity:
    """Add up each row's contributions, and add them to `effects`. `expected` has the probabilities, shape (n,)."""
    gap, mean = 0.0, 0.0
    for rows, explained in _explanations(reasons, background.columns):
        gap = max(gap, float(np.abs(explained.probabilities_of_scores() - expected[rows]).max()))
        mean += float(background.weights[rows] @ explained.scores)
        effects.add(rows, explained.contributions)
    return Additivity(gap, abs(mean - reasons.base))


def _explanations(reasons: ReasonsGraph, columns: Columns) -> Iterator[tuple[slice, Explanation]]:
    """The explanations of all rows, some rows at a time, on every core: ONNX Runtime computes outside Python's lock."""
    explainer, first = OnnxExplainer(reasons.graph), 0
    with ThreadPoolExecutor(cores()) as threads:
        for probabilities, contributions in threads.map(explainer.explain, columns.blocks(ROWS_AT_ONCE)):
            rows = slice(first, first + len(probabilities))
            first = rows.stop
            yield rows, Explanation(probabilities, contributions, reasons.base, reasons.scale)


def brute_force_check(
    graph: GraphView,
    form: AdditiveForm,
    signature: Signature,
    rows: Columns,
    golden: Columns,
    importance: NDArray[np.float64],
) -> BruteForce:
    """Compare contributions with their definition, for a few records and a background of few rows.

    All have the same values but in the eight most important features; there the background has values of `rows`, and
    the records those of golden rows: mixed, incomplete, and with unseen categories.
    """
    players = sorted(np.argsort(-importance, kind="stable")[:PLAYERS].tolist())
    few = rows.take(np.linspace(0, rows.rows - 1, min(BACKGROUND_ROWS, rows.rows)).astype(np.intp))
    records = golden.take(np.linspace(0, golden.rows - 1, min(RECORDS, golden.rows)).astype(np.intp))
    for feature in set(range(len(signature.features))) - set(players):
        block, column = place_of(signature, feature)
        few[block][:, column] = records[block][:, column] = golden[block][0, column]
    background = Background.of(few)
    reasons = exact_reasons(graph, form, signature, background)
    _, computed = OnnxExplainer(reasons.graph).explain(records)
    node = intermediate(GraphWriter(graph.model), graph.model, form.node.output[0], TensorProto.DOUBLE)

    def score(columns: Columns) -> NDArray[np.float64]:
        (result,) = node.run(node.outputs, columns)
        return np.asarray(form.slope * result[:, 0] + form.intercept)

    defined = [brute_force(score, signature, records.take([row]), background, players) for row in range(records.rows)]
    return BruteForce(
        rows=records.rows,
        coalitions=1 << len(players),
        background_rows=few.rows,
        largest_difference=float(np.abs(computed - np.array(defined)).max()),
    )
