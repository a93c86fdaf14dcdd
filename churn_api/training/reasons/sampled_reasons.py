"""An estimate of reasons, for graphs that are no single sum: features change one by one from a background row's values
to the record's, in several orders.

The orders and the background rows are part of the graph, so a record always gets the same estimate. Each value of a
background row comes from another customer, so a bundle contains no customer's record.
"""

from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.scoring.onnx import CONTRIBUTIONS, NUMBERS, PROBABILITY, TEXTS, OnnxScorer
from churn_api.training.graphs.graph_writer import GraphWriter
from churn_api.training.reasons.reasons_graph import Background, ReasonsGraph, finished
from churn_api.training.row_independence import scores_rows_independently

PAIRS = 16
"""Orders are used in pairs, the second the reverse of the first: errors partly cancel out."""
MAX_ROWS = 8192
"""Rows that are scored for one record. With many features there are fewer orders."""
_SCORED = "walked_probability"


class NoReasonsError(Exception):
    """A graph that has no reasons, not even estimates; the text gives the reason."""


class _Walks(NamedTuple):
    """The rows to score for a record: the record itself, then background rows with some values of the record's."""

    from_record: NDArray[np.bool_]
    """Shape (rows, features): which values are the record's."""
    background: NDArray[np.intp]
    """Shape (rows,): which background row the others are from."""
    weights: NDArray[np.float64]
    """Shape (rows, features): how much a row's probability counts for each feature's contribution."""


def sampled_reasons(model: onnx.ModelProto, signature: Signature, background: Background, seed: int) -> ReasonsGraph:
    """The graph that estimates contributions to the probability. Raises NoReasonsError."""
    if not scores_rows_independently(model):
        raise NoReasonsError("its compiled model scores one row at a time")
    rng = np.random.default_rng(seed)
    features = len(signature.features)
    pairs = max(1, min(PAIRS, MAX_ROWS // (2 * features)))
    mixed = _mixed_rows(background, pairs, rng)
    walks = _walks([rng.permutation(features) for _ in range(pairs)])
    base = float(OnnxScorer(model.SerializeToString()).score(mixed).mean())
    return ReasonsGraph(
        _graph(model, signature, mixed, walks), "probability", base, background.columns.rows, walks=2 * pairs
    )


def _mixed_rows(background: Background, rows: int, rng: np.random.Generator) -> Columns:
    """Rows whose values are drawn from each column independently."""
    numbers, texts = background.columns
    drawn = [
        np.stack([rng.choice(column, rows, p=background.weights) for column in block.T], axis=1)
        if block.shape[1]
        else np.empty((rows, 0), block.dtype)
        for block in (numbers, texts)
    ]
    return Columns(drawn[0].astype(np.float64), drawn[1].astype(object))


def _walks(orders: list[NDArray[np.intp]]) -> _Walks:
    """Each order forwards and backwards, both from the same background row."""
    features = len(orders[0])
    walks = [walk for order in orders for walk in (order, order[::-1])]
    rows = 1 + len(walks) * features
    from_record = np.zeros((rows, features), np.bool_)
    from_record[0] = True
    weights = np.zeros((rows, features))
    for number, walk in enumerate(walks):
        first, end = 1 + number * features, 1 + (number + 1) * features
        for step, feature in enumerate(walk, start=first):
            # The contribution is the probability after this change minus the one before it. The record comes last.
            after = step + 1 if step + 1 < end else 0
            weights[step, feature] -= 1 / len(walks)
            weights[after, feature] += 1 / len(walks)
            from_record[step + 1 : end, feature] = True
    background = np.concatenate([[0], np.repeat(np.arange(len(orders)), 2 * features)])
    return _Walks(from_record, background, weights)


def _graph(model: onnx.ModelProto, signature: Signature, mixed: Columns, walks: _Walks) -> bytes:
    """The model's graph on the rows of all walks, and the sums of their probabilities."""
    writer = GraphWriter(_with_walks(model, signature, mixed, walks))
    scored = writer.double(_SCORED)
    record = writer.constant(np.array([0], np.int64))
    writer.name_result("Gather", [scored, record], PROBABILITY)
    in_one_row = writer.add("Reshape", scored, writer.constant(np.array([1, -1], np.int64)))
    writer.name_result("MatMul", [in_one_row, writer.constant(walks.weights)], CONTRIBUTIONS)
    inputs = [_of_one_row(block) for block in model.graph.input]
    return finished(writer, inputs, [helper.make_tensor_value_info(PROBABILITY, TensorProto.DOUBLE, [None])])


def _with_walks(model: onnx.ModelProto, signature: Signature, mixed: Columns, walks: _Walks) -> onnx.ModelProto:
    """The model's graph, scoring the rows of the walks in place of its inputs."""
    numeric = np.array([feature.numeric for feature in signature.features])
    rows = {NUMBERS: (mixed.numbers, numeric), TEXTS: (mixed.texts, ~numeric)}
    writer = GraphWriter(model)
    names = {PROBABILITY: _SCORED}
    for block in model.graph.input:
        values, chosen = rows[block.name]
        others = values[walks.background].astype(helper.tensor_dtype_to_np_dtype(block.type.tensor_type.elem_type))
        taken = writer.constant(walks.from_record[:, chosen])
        names[block.name] = writer.add("Where", taken, block.name, writer.constant(others))
    graph = writer.model(list(model.graph.input), [])
    nodes = list(graph.graph.node)
    body, walking = nodes[: len(model.graph.node)], nodes[len(model.graph.node) :]
    for node in body:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    del graph.graph.node[:]
    graph.graph.node.extend([*walking, *body])
    return graph


def _of_one_row(block: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    kind, shape = block.type.tensor_type.elem_type, block.type.tensor_type.shape
    return helper.make_tensor_value_info(block.name, kind, [1, shape.dim[1].dim_value])
