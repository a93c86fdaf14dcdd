"""What the program knows, it says in one place."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import churn_api
from churn_api.scoring.output import COLUMNS
from churn_api.web import API_V1

PACKAGE = Path(churn_api.__file__).parent
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def comparisons(tree: ast.AST) -> Iterator[int]:
    """The lines that order something against a threshold, other than to see whether it is a probability at all."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(operator, ORDERINGS) for operator in node.ops):
            sides = [node.left, *node.comparators]
            if any("threshold" in name_of(side) for side in sides) and not any(map(is_constant, sides)):
                yield node.lineno


def name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id.lower()
    return node.attr.lower() if isinstance(node, ast.Attribute) else ""


def is_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant)


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings that a program uses, which docstrings are not."""
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.lineno, node.value


def test_one_comparison_with_the_threshold():
    """One line of the source makes the decision."""
    result = [(path, line) for path, tree in TREES.items() for line in comparisons(tree)]
    assert [path for path, _ in result] == ["scoring/output.py"]


@pytest.mark.parametrize(
    "planted",
    ["p >= threshold", "threshold < p", "scores.threshold <= probabilities", "1 if p > self._threshold else 0"],
)
def test_a_second_comparison_would_be_found(planted):
    """A second comparison is detected, whatever its form."""
    assert list(comparisons(ast.parse(planted))) == [1]


def test_one_place_where_records_are_scored():
    """One function scores records and decides, for every route and protocol."""
    calls = [
        (path, node.func.id)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("output", "decide")
    ]
    # What a threshold would have done in cross-validation is counted by the same comparison.
    evaluation = ("training/curves.py", "decide")
    assert sorted(calls) == [("scoring/output.py", "decide"), ("serving/answer.py", "output"), evaluation]


def test_one_list_of_the_answers_columns():
    """The names of an answer's columns stand where the columns are defined, and nowhere else."""
    names = {column.name for column in COLUMNS}
    assert {path for path, tree in TREES.items() for _, text in texts(tree) if text in names} == {"scoring/output.py"}


def test_one_prefix():
    """The API's prefix is written in one constant; descriptions of settings may repeat it."""
    result = {path for path, tree in TREES.items() for _, text in texts(tree) if API_V1 in text}
    assert result - {"settings.py", "older_settings.py"} == {"web/__init__.py"}
