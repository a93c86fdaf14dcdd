"""Trees cut into pieces of few states, whose sum is the sum of the trees.

What a piece sees of a record is the state of each of its features: which of the piece's questions about it are true. A
piece has one table entry for each combination of states, so it must not have many.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.training.reasons.graph_view import NotExactError
from churn_api.training.reasons.questions import PathToLeaf, Question

MAX_STATES = 256
"""Combinations of states of one piece: those of eight questions, or more questions about fewer numbers."""

WORTH_ENTRIES = 512
"""By so many entries one table may be larger than two: every piece takes time to look up."""


class Axis(NamedTuple):
    """One feature in a piece, and its states."""

    feature: int
    questions: tuple[Question, ...]
    weights: tuple[int, ...]
    """Per question what it adds to the number of the state where it is true."""
    truths: NDArray[np.bool_]
    """Shape (states, questions): which questions are true in a state."""


class Piece(NamedTuple):
    """Some leaves of a tree; for a record that reaches another leaf a piece is 0."""

    axes: tuple[Axis, ...]
    """Those with the most states first."""
    values: NDArray[np.float64]
    """The value for each combination of states: a dimension for each axis."""


class Cut(NamedTuple):
    """Trees as pieces; their sum is that of all pieces and of a constant."""

    pieces: list[Piece]
    constant: float


def cut(trees: Iterable[list[PathToLeaf]], features: Sequence[int], max_entries: int) -> Cut:
    """Cut trees into pieces. `features` has the feature of each column.

    Raises NotExactError where a leaf has too many conditions, or where the pieces' tables have more than `max_entries`
    entries.
    """
    pieces: list[Piece] = []
    constant, entries = 0.0, 0
    for tree in trees:
        constant += sum(leaf.value for leaf in tree if not leaf.answers)
        for leaves in _groups([leaf for leaf in tree if leaf.answers and leaf.value != 0], features):
            piece = _piece(leaves, features)
            entries += piece.values.size * len(piece.axes)
            if entries > max_entries:
                raise NotExactError("its tables would be too large")
            pieces.append(piece)
    return Cut(pieces, constant)


ByFeature = dict[int, frozenset[Question]]


def _groups(leaves: list[PathToLeaf], features: Sequence[int]) -> Iterator[list[PathToLeaf]]:
    """Neighbouring leaves that share a piece, as many as its limit allows, and as is worth its table's size."""
    group: list[PathToLeaf] = []
    asked: ByFeature = {}
    for leaf in leaves:
        own = _asked(leaf, features)
        together = asked | {feature: questions | asked.get(feature, frozenset()) for feature, questions in own.items()}
        if group and (
            _states(together) > MAX_STATES or _entries(together) > _entries(asked) + _entries(own) + WORTH_ENTRIES
        ):
            yield group
            group, together = [], own
        if not group and _states(own) > MAX_STATES:
            raise NotExactError(f"a leaf of a tree depends on {len(leaf.answers)} comparisons")
        group.append(leaf)
        asked = together
    if group:
        yield group


def _asked(leaf: PathToLeaf, features: Sequence[int]) -> ByFeature:
    asked: ByFeature = {}
    for question, _ in leaf.answers:
        feature = features[question.column]
        asked[feature] = asked.get(feature, frozenset()) | {question}
    return asked


def _states(asked: ByFeature) -> int:
    """How many combinations of states a piece with these questions has."""
    return prod(_number_of_states(column) for questions in asked.values() for column in _by_column(questions))


def _entries(asked: ByFeature) -> int:
    """The size of the table of a piece with these questions."""
    return _states(asked) * len(asked)


def _by_column(questions: Iterable[Question]) -> list[list[Question]]:
    """The questions of each column, in ascending order."""
    ordered = sorted(questions, key=lambda each: (each.column, each.limit, each.missing_is_true, each.members))
    columns = dict.fromkeys(question.column for question in ordered)
    return [[question for question in ordered if question.column == column] for column in columns]


def _is_chain(column: list[Question]) -> bool:
    """Whether the answer to a question implies those to all later ones, for a missing value too."""
    missing = [question.missing_is_true for question in column]
    return not any(question.members for question in column) and missing == sorted(missing)


def _number_of_states(column: list[Question]) -> int:
    return len(column) + 1 if _is_chain(column) else 2 ** len(column)


def _piece(leaves: list[PathToLeaf], features: Sequence[int]) -> Piece:
    asked: ByFeature = {}
    for leaf in leaves:
        for feature, questions in _asked(leaf, features).items():
            asked[feature] = asked.get(feature, frozenset()) | questions
    axes = [_axis(feature, questions) for feature, questions in sorted(asked.items())]
    axes.sort(key=lambda axis: -len(axis.truths))
    values = sum(_value(leaf, axes) for leaf in leaves)
    return Piece(tuple(axes), np.asarray(values, np.float64))


def _axis(feature: int, questions: Iterable[Question]) -> Axis:
    ordered: list[Question] = []
    weights: list[int] = []
    truths = np.zeros((1, 0), np.bool_)
    for column in _by_column(questions):
        before, own = len(truths), _truths(column)
        weights += [before * weight for weight in ([1] * len(column) if _is_chain(column) else _powers(column))]
        truths = np.hstack([np.tile(truths, (len(own), 1)), np.repeat(own, before, axis=0)])
        ordered += column
    return Axis(feature, tuple(ordered), tuple(weights), truths)


def _powers(column: list[Question]) -> list[int]:
    return [1 << index for index in range(len(column))]


def _truths(column: list[Question]) -> NDArray[np.bool_]:
    """Which questions of one column are true in each state: shape (states, questions).

    In a chain the number of a state is how many are true, and these are the last ones.
    """
    count = len(column)
    if _is_chain(column):
        return np.arange(count)[::-1] < np.arange(count + 1)[:, None]
    return np.asarray((np.arange(1 << count)[:, None] >> np.arange(count)) & 1, np.bool_)


def _value(leaf: PathToLeaf, axes: list[Axis]) -> NDArray[np.float64]:
    """The leaf's value where its conditions hold, else 0: a dimension for each axis."""
    answers = dict(leaf.answers)
    holds = [
        np.all(
            [axis.truths[:, at] == answers.get(each, axis.truths[:, at]) for at, each in enumerate(axis.questions)], 0
        )
        for axis in axes
    ]
    reached: NDArray[np.bool_] = reduce(np.multiply.outer, holds)
    return np.where(reached, leaf.value, 0.0)
