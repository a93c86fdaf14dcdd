"""What trees ask of an encoded column, and which of a path's answers follow from the others."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import onnx

from churn_api.training.graphs.trees import Comparison
from churn_api.training.reasons.graph_view import attribute


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a column is at most a limit or, with `members`, one of them."""

    column: int
    limit: float
    missing_is_true: bool = False
    members: tuple[float, ...] = ()


Answer = tuple[Question, bool]


@dataclass(frozen=True, slots=True)
class PathToLeaf:
    """The answers that lead to a leaf, without those that follow from others, and what the leaf adds."""

    answers: tuple[Answer, ...]
    value: float


def trees_of(node: onnx.NodeProto) -> Iterator[list[PathToLeaf]]:
    """The leaves of each tree of a TreeEnsemble that `add_trees` wrote, from left to right."""
    nodes = _Nodes(node)
    for root in attribute(node, "tree_roots"):
        yield list(nodes.leaves(root, ()))


class _Nodes:
    def __init__(self, node: onnx.NodeProto) -> None:
        self._questions = list(_questions(node))
        self._branches = {
            True: (attribute(node, "nodes_truenodeids"), attribute(node, "nodes_trueleafs")),
            False: (attribute(node, "nodes_falsenodeids"), attribute(node, "nodes_falseleafs")),
        }
        self._values = attribute(node, "leaf_weights").tolist()

    def leaves(self, index: int, answers: tuple[Answer, ...]) -> Iterator[PathToLeaf]:
        """The leaves below a node that some record can reach."""
        question = self._questions[index]
        for answer, (targets, are_leaves) in self._branches.items():
            if any(_implies(known, (question, not answer)) for known in answers):
                continue
            path = _with_answer(answers, (question, answer))
            if are_leaves[index]:
                yield PathToLeaf(path, self._values[targets[index]])
            else:
                yield from self.leaves(targets[index], path)


def _questions(node: onnx.NodeProto) -> Iterator[Question]:
    modes = attribute(node, "nodes_modes")
    limits = attribute(node, "nodes_splits").tolist()
    missing = attribute(node, "nodes_missing_value_tracks_true")
    members = iter(attribute(node, "membership_values", np.empty(0)).tolist())
    for column, mode, limit, flag in zip(attribute(node, "nodes_featureids"), modes, limits, missing, strict=True):
        if mode == Comparison.ONE_OF:
            # The members of each question end with NaN.
            yield Question(column, 0.0, members=tuple(takewhile(lambda member: not math.isnan(member), members)))
        else:
            below = mode == Comparison.BELOW
            yield Question(column, float(np.nextafter(limit, -np.inf)) if below else limit, bool(flag))


def _with_answer(answers: tuple[Answer, ...], new: Answer) -> tuple[Answer, ...]:
    if any(_implies(known, new) for known in answers):
        return answers
    return (*(known for known in answers if not _implies(new, known)), new)


def _implies(first: Answer, second: Answer) -> bool:
    """Whether the second answer follows from the first, for missing values as well."""
    (one, yes), (other, also_yes) = first, second
    if one.column != other.column or bool(one.members) != bool(other.members):
        return False
    if one.members:
        return _implies_membership(set(one.members), set(other.members), yes=yes, also_yes=also_yes)
    if yes and also_yes:
        return one.limit <= other.limit and (other.missing_is_true or not one.missing_is_true)
    if not yes and not also_yes:
        return one.limit >= other.limit and (one.missing_is_true or not other.missing_is_true)
    return False


def _implies_membership(one: set[float], other: set[float], *, yes: bool, also_yes: bool) -> bool:
    if yes:
        return one <= other if also_yes else one.isdisjoint(other)
    return not also_yes and other <= one
