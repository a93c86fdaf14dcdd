"""Contributions to a sum of trees: tables of their pieces' Shapley values, in which a record's states are looked up."""

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from churn_api.contract.signature import Signature
from churn_api.scoring.onnx import CONTRIBUTIONS, OnnxGraph
from churn_api.training.graphs.graph_writer import GraphWriter
from churn_api.training.reasons.additive_form import AdditiveForm
from churn_api.training.reasons.column_origins import single_origins
from churn_api.training.reasons.graph_view import GraphView, NotExactError
from churn_api.training.reasons.piece_states import write_states
from churn_api.training.reasons.pieces import Piece, cut
from churn_api.training.reasons.questions import trees_of
from churn_api.training.reasons.reasons_graph import Background, ReasonsGraph, finished, intermediate, run_in_blocks
from churn_api.training.reasons.shapley_tables import Doubles, shapley_tables

_DOUBLE_DIGITS, _INTEGER_DIGITS = 52, 30


class _Tables(NamedTuple):
    """The tables of all pieces, one below the other."""

    contributions: Doubles
    """Shape (rows of all pieces, axes): pieces with fewer axes than others have zeros in the last columns."""
    mean: float
    """The sum of the pieces' means over the background."""


def tree_reasons(
    graph: GraphView, form: AdditiveForm, signature: Signature, background: Background, max_bytes: int
) -> ReasonsGraph:
    """The graph of reasons of a sum of trees. Raises NotExactError.

    A record's answers to the questions of a piece give the number of its state, which is a row of the piece's table:
    the contribution of each of its features. A product adds them up by feature.
    """
    columns = form.node.input[0]
    features = single_origins(graph, columns, signature)
    pieces, constant = cut(trees_of(form.node), features, max_bytes // np.dtype(np.int32).itemsize)
    if not pieces:
        raise NotExactError("its trees have no branches")
    writer = GraphWriter(graph.model)
    rows = write_states(writer, columns, len(features), pieces)
    shares = _shares(intermediate(writer, graph.model, rows, TensorProto.INT64), pieces, background)
    tables = _tables(pieces, shares)
    table, unit = _stored(form.slope * tables.contributions, pieces, max_bytes)
    width = table.shape[1]
    order = _by_feature(pieces, width, len(signature.features))
    looked_up = writer.add("Gather", writer.constant(table), rows)
    listed = writer.add("Reshape", looked_up, _shape(writer, len(pieces) * width))
    placed = writer.extract(listed, order.ravel())
    doubles = placed if table.dtype == np.float64 else writer.double(placed)
    by_feature = [
        writer.add("Reshape", doubles, _shape(writer, *order.shape)),
        writer.constant(np.array([2], np.int64)),
    ]
    if unit == 1:
        writer.name_result("ReduceSum", by_feature, CONTRIBUTIONS, keepdims=0)
    else:
        units = writer.add("ReduceSum", *by_feature, keepdims=0)
        writer.name_result("Mul", [units, writer.constant(np.float64(unit))], CONTRIBUTIONS)
    base = form.slope * (tables.mean + constant) + form.intercept
    return ReasonsGraph(finished(writer, *graph.ends), form.scale, base, background.columns.rows)


def _shares(graph: OnnxGraph, pieces: list[Piece], background: Background) -> list[Doubles]:
    """Per piece the share of the background in each combination of states."""
    sizes = [piece.values.size for piece in pieces]
    shares = np.zeros(sum(sizes))
    for rows, weights in run_in_blocks(graph, background):
        shares += np.bincount(rows.ravel(), np.repeat(weights, len(pieces)), len(shares))
    parts = np.split(shares, np.cumsum(sizes)[:-1])
    return [part.reshape(piece.values.shape) for part, piece in zip(parts, pieces, strict=True)]


def _tables(pieces: list[Piece], shares: list[Doubles]) -> _Tables:
    """Pieces of the same shape are computed together."""
    by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, piece in enumerate(pieces):
        by_shape[piece.values.shape].append(index)
    each: dict[int, Doubles] = {}
    mean = 0.0
    for indices in by_shape.values():
        values, weights = (np.stack([source[index] for index in indices]) for source in (_values(pieces), shares))
        tables, means = shapley_tables(values, weights)
        mean += float(means.sum())
        each |= dict(zip(indices, tables, strict=True))
    most = max(len(piece.axes) for piece in pieces)
    # One column more than needed where no piece has a zero otherwise.
    width = most + all(len(piece.axes) == most for piece in pieces)
    padded = [_padded(each[index].reshape(-1, len(piece.axes)), width) for index, piece in enumerate(pieces)]
    return _Tables(np.concatenate(padded), mean)


def _values(pieces: list[Piece]) -> list[Doubles]:
    return [piece.values for piece in pieces]


def _padded(table: Doubles, width: int) -> Doubles:
    return np.pad(table, ((0, 0), (0, width - table.shape[1])))


def _stored(table: Doubles, pieces: list[Piece], max_bytes: int) -> tuple[NDArray[Any], float]:
    """The table as the graph has it, and what to multiply its sums by.

    All entries are multiples of a unit, a power of two, of which doubles add as many as any record needs exactly. So a
    record gets the same doubles alone and among others, in whatever order a sum adds. A large table is stored as the
    multiples themselves, in half the memory, with a larger unit.
    """
    if table.nbytes <= max_bytes:
        unit = _unit(_largest_sum(table, pieces), _DOUBLE_DIGITS)
        return np.rint(table / unit) * unit, 1.0
    unit = _unit(float(np.abs(table).max()), _INTEGER_DIGITS)
    return np.rint(table / unit).astype(np.int32), unit


def _unit(largest: float, digits: int) -> float:
    """The power of two of which `largest` has no more than 2^digits."""
    return float(2.0 ** (np.ceil(np.log2(max(largest, np.finfo(np.float64).tiny))) - digits))


def _largest_sum(table: Doubles, pieces: list[Piece]) -> float:
    """No record's contributions add up to more."""
    firsts = np.cumsum([0, *(piece.values.size for piece in pieces[:-1])])
    return float(np.maximum.reduceat(np.abs(table).max(axis=1), firsts).sum())


def _by_feature(pieces: list[Piece], width: int, features: int) -> NDArray[np.int64]:
    """Where the contributions of each feature stand, `width` for each piece: shape (features, most of a feature).

    The rest of each row has places whose contribution is always 0.
    """
    places: list[list[int]] = [[] for _ in range(features)]
    for index, piece in enumerate(pieces):
        for at, axis in enumerate(piece.axes):
            places[axis.feature].append(index * width + at)
    always_zero = next(index * width + width - 1 for index, piece in enumerate(pieces) if len(piece.axes) < width)
    order = np.full((features, max(map(len, places))), always_zero, np.int64)
    for feature, each in enumerate(places):
        order[feature, : len(each)] = each
    return order


def _shape(writer: GraphWriter, *dimensions: int) -> str:
    """A shape of n rows."""
    return writer.constant(np.array([-1, *dimensions], np.int64))
