"""Logistic regression, whose sums are the same doubles in any order of addition.

A matrix product adds in an order that depends on the number of rows, on a row's position and on the processor, and the
order can change the last digit. Doubles add integers up to 2^53 exactly. So each term (a weight times a value) is
rounded to an integer number of units of 2^-33, and bounded so that the sum stays below 2^53 units. This holds for any
processor, and for any implementation of the product.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.training.graphs.column_blocks import Bins, Input, Part, as_block
from churn_api.training.graphs.graph_writer import LANES, GraphWriter, UnsupportedStepError

EXACT_SUM = "exact_sum"
"""Prefix of the names of these sums in a graph."""

_UNIT = 2.0**-33
_MOST_UNITS = 51


class _Terms(NamedTuple):
    """The terms of a sum."""

    values: str
    """Columns of integers, as doubles."""
    units: NDArray[np.float64]
    """The weight of each column, in units."""
    constant: float = 0.0
    """A constant in every row, in units."""


def logistic_log_odds(graph: GraphWriter, model: Any, value: Input) -> str:
    """The log-odds of LogisticRegression."""
    if len(model.coef_) != 1:
        raise UnsupportedStepError("LogisticRegression of more than two classes")
    block = as_block(graph, value)
    weights = np.asarray(model.coef_[0], np.float64)
    bound = 2.0 ** (_MOST_UNITS - math.ceil(math.log2(len(weights) + 1)))
    split = np.split(weights, np.cumsum([part.width for part in block.parts])[:-1])
    terms = _terms(graph, list(zip(block.parts, split, strict=True)), bound)
    units = np.concatenate([term.units for term in terms])
    constant = sum(term.constant for term in terms) + float(_units(model.intercept_[0], bound))
    values = graph.join([term.values for term in terms])
    columns = graph.constant(np.repeat(units[:, None] * _UNIT, LANES, axis=1))
    return graph.add("Gemm", values, columns, graph.lanes(constant * _UNIT), prefix=EXACT_SUM)


def _terms(graph: GraphWriter, parts: list[tuple[Part, NDArray[np.float64]]], bound: float) -> list[_Terms]:
    terms, measured = [], []
    for part, weights in parts:
        if isinstance(part, Bins):
            terms.append(_steps(graph, part, weights, bound))
        elif part.binary:
            terms.append(_Terms(part.name, _units(weights, bound)))
        else:
            measured.append((part.name, weights))
    return [*terms, _measured(graph, measured, bound)] if measured else terms


def _measured(graph: GraphWriter, parts: list[tuple[str, NDArray[np.float64]]], bound: float) -> _Terms:
    """Terms of numbers of any size: value times weight, rounded to units and bounded."""
    weights = np.concatenate([weights for _, weights in parts])
    units = graph.add("Mul", graph.join([name for name, _ in parts]), graph.constant(weights / _UNIT))
    limits = [graph.constant(np.float64(limit)) for limit in (-bound, bound)]
    return _Terms(graph.add("Round", graph.add("Clip", units, *limits)), np.ones(len(weights)))


def _steps(graph: GraphWriter, part: Bins, weights: NDArray[np.float64], bound: float) -> _Terms:
    """Terms of bins as steps: the last bin's weight, plus, per edge above the number, the difference of adjacent bins.

    The sum is the same integer as the weight of the number's bin, with one comparison per edge.
    """
    each = np.split(_units(weights, bound), np.cumsum([len(inner) + 1 for inner in part.edges])[:-1])
    differences = np.concatenate([-np.diff(units) for units in each])
    return _Terms(part.below(graph), differences, float(sum(units[-1] for units in each)))


def _units(weights: Any, bound: float) -> Any:
    """Weights as integer units, clipped to the bound; the parity check detects a clipped weight."""
    return np.clip(np.rint(np.asarray(weights) / _UNIT), -bound, bound)
