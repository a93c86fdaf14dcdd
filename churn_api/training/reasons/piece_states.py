"""The state of a record in each piece, as nodes of a graph: rows of the tables, which stand one below the other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from onnx import TensorProto

from churn_api.training.graphs.graph_writer import GraphWriter
from churn_api.training.graphs.trees import Comparison, Leaf, Split, add_trees
from churn_api.training.reasons.pieces import Piece
from churn_api.training.reasons.questions import Question

_MEMBER, _OTHER = 0.0, 1.0


class _Comparison(NamedTuple):
    """An answer as a comparison, which is true for yes: a column is at most a limit."""

    column: int
    limit: float


_NEVER_COUNTED = _Comparison(0, 0.0)


def write_states(writer: GraphWriter, columns: str, width: int, pieces: Sequence[Piece]) -> str:
    """Write the nodes, and return the value that they compute: integers of shape (n, pieces).

    `columns` has shape (n, width). All answers are found by one comparison, and counted by one sum.
    """
    asked = {question for piece in pieces for axis in piece.axes for question in axis.questions}
    sets = sorted((each for each in asked if each.members), key=lambda each: (each.column, each.members))
    parts = [columns, _with_missing_smallest(writer, columns)]
    if sets:
        parts.append(_memberships(writer, columns, sets))
    comparisons = {
        each: _Comparison(each.column + width * each.missing_is_true, each.limit) for each in asked - set(sets)
    } | {each: _Comparison(2 * width + at, _MEMBER) for at, each in enumerate(sets)}
    slots = [_slots(piece, comparisons) for piece in pieces]
    most = max(map(len, slots))
    padded = [[*piece, *[(_NEVER_COUNTED, 0)] * (most - len(piece))] for piece in slots]
    wanted = np.array([[comparison.column for comparison, _ in piece] for piece in padded])
    limits = np.array([[comparison.limit for comparison, _ in piece] for piece in padded])
    weights = np.array([[weight for _, weight in piece] for piece in padded], np.float32)
    firsts = np.cumsum([0, *(piece.values.size for piece in pieces[:-1])]).astype(np.float32)
    given = writer.extract(writer.join(parts), wanted.ravel())
    true = writer.add("LessOrEqual", given, writer.constant(limits.ravel()))
    # Integers below 2^24, which float32 adds exactly, and faster than ONNX Runtime adds integers.
    counted = writer.add("Mul", writer.add("Cast", true, to=TensorProto.FLOAT), writer.constant(weights.ravel()))
    by_piece = writer.add("Reshape", counted, writer.constant(np.array([-1, *wanted.shape], np.int64)))
    states = writer.add("ReduceSum", by_piece, writer.constant(np.array([2], np.int64)), keepdims=0)
    return writer.add("Cast", writer.add("Add", states, writer.constant(firsts)), to=TensorProto.INT64)


def _with_missing_smallest(writer: GraphWriter, columns: str) -> str:
    """The columns with the smallest number for a missing value, for questions that it answers with yes."""
    return writer.add("Where", writer.add("IsNaN", columns), writer.constant(np.float64(-np.inf)), columns)


def _memberships(writer: GraphWriter, columns: str, questions: Sequence[Question]) -> str:
    """Whether columns are among categories, by trees of one branch: shape (n, questions)."""
    trees = [
        Split(question.column, Comparison.ONE_OF, 0.0, Leaf(_MEMBER), Leaf(_OTHER), members=question.members)
        for question in questions
    ]
    return add_trees(writer, columns, trees, apart=True)


def _slots(piece: Piece, comparisons: dict[Question, _Comparison]) -> list[tuple[_Comparison, int]]:
    """What a piece asks, and by how much each yes raises the number of its state."""
    strides = [int(np.prod(piece.values.shape[at + 1 :])) for at in range(len(piece.axes))]
    return [
        (comparisons[question], stride * weight)
        for axis, stride in zip(piece.axes, strides, strict=True)
        for question, weight in zip(axis.questions, axis.weights, strict=True)
    ]
