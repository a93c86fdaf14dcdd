"""Decision trees of any library as one node of a graph, which compares and adds in doubles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from onnx import numpy_helper

from churn_api.training.graphs.graph_writer import GraphWriter


class Comparison(IntEnum):
    """How a split compares a number with its threshold; the values are those of the operator TreeEnsemble."""

    AT_MOST = 0
    BELOW = 1
    ONE_OF = 6


@dataclass(frozen=True, slots=True)
class Leaf:
    """The end of a branch, with the value that it adds to the sum."""

    value: float


@dataclass(frozen=True, slots=True)
class Split:
    """A comparison of one column: where it holds, the first branch follows, else the second."""

    column: int
    comparison: Comparison
    threshold: float
    when_true: "Tree"
    when_false: "Tree"
    missing_is_true: bool = False
    members: tuple[float, ...] = ()
    """The values of ONE_OF."""


Tree = Leaf | Split


def split_by_category(
    column: int, left: Iterable[float], right: Iterable[float], branches: tuple[Tree, Tree], *, missing_left: bool
) -> Tree:
    """A split of categories into two sets. A missing value or a category of neither set goes where missing ones go."""
    members, branches = (right, branches[::-1]) if missing_left else (left, branches)
    values = tuple(sorted(members))
    return Split(column, Comparison.ONE_OF, 0.0, *branches, members=values) if values else branches[1]


def add_trees(graph: GraphWriter, columns: str, trees: Sequence[Tree], *, apart: bool = False) -> str:
    """The sum of the trees' leaves: doubles of shape (n, 1), from double columns of shape (n, k).

    `apart`: each tree's result in a column of its own, shape (n, number of trees).
    """
    table = _NodeTable(apart=apart)
    roots = [table.add_root(tree) for tree in trees]
    return graph.add_ml(
        "TreeEnsemble",
        columns,
        tree_roots=roots,
        n_targets=len(trees) if apart else 1,
        aggregate_function=1,
        post_transform=0,
        **table.attributes(),
    )


class _NodeTable:
    """The attributes of TreeEnsemble: a row per split, and a row per leaf."""

    def __init__(self, *, apart: bool) -> None:
        self._apart = apart
        self._trees = 0
        self._splits: list[Split] = []
        self._branches: list[list[tuple[int, bool]]] = []
        """Per split the index of its two branches, and whether each is a leaf."""
        self._members: list[float] = []
        self._leaves: list[float] = []
        self._targets: list[int] = []

    def add_root(self, tree: Tree) -> int:
        """Add a tree, and return the index of its first split."""
        if isinstance(tree, Leaf):
            # The operator has no tree of a single leaf: both branches of a comparison lead to it.
            tree = Split(0, Comparison.AT_MOST, 0.0, tree, tree)
        root = self._add_split(tree)
        self._trees += 1
        return root

    def _add_split(self, split: Split) -> int:
        index = len(self._splits)
        self._splits.append(split)
        branches: list[tuple[int, bool]] = []
        self._branches.append(branches)
        if split.comparison is Comparison.ONE_OF:
            self._members += [*split.members, np.nan]
        branches += [self._add_branch(branch) for branch in (split.when_true, split.when_false)]
        return index

    def _add_branch(self, branch: Tree) -> tuple[int, bool]:
        if isinstance(branch, Split):
            return self._add_split(branch), False
        self._leaves.append(branch.value)
        self._targets.append(self._trees if self._apart else 0)
        return len(self._leaves) - 1, True

    def attributes(self) -> dict[str, object]:
        """All attributes of nodes and leaves."""
        splits, branches = self._splits, self._branches
        members = {"membership_values": _tensor(self._members)} if self._members else {}
        return {
            "nodes_featureids": [split.column for split in splits],
            "nodes_modes": numpy_helper.from_array(np.array([split.comparison for split in splits], np.uint8)),
            "nodes_splits": _tensor([split.threshold for split in splits]),
            "nodes_missing_value_tracks_true": [int(split.missing_is_true) for split in splits],
            "nodes_truenodeids": [true for (true, _), _ in branches],
            "nodes_trueleafs": [int(is_leaf) for (_, is_leaf), _ in branches],
            "nodes_falsenodeids": [false for _, (false, _) in branches],
            "nodes_falseleafs": [int(is_leaf) for _, (_, is_leaf) in branches],
            "leaf_targetids": self._targets,
            "leaf_weights": _tensor(self._leaves),
            **members,
        }


def _tensor(values: Sequence[float]) -> object:
    return numpy_helper.from_array(np.array(values, np.float64))
