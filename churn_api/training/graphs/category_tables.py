"""Categories as numbers: one lookup of all texts of a record, then comparisons or a table."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.training.graphs.column_blocks import Block, Dense
from churn_api.training.graphs.graph_writer import GraphWriter, UnsupportedStepError

_UNKNOWN = -1

Codes = list[tuple[Any, float]]
"""The categories of a column, each with its code."""


def is_missing(category: Any) -> bool:
    """Whether a category stands for a missing value."""
    return category is None or (isinstance(category, float) and np.isnan(category))


def numbered(graph: GraphWriter, block: Block, pairs: list[tuple[int, Any]]) -> tuple[str, NDArray[np.float32]]:
    """Texts as numbers of shape (n, width), and the number of the category in each (column, category) pair."""
    texts = [_text(category) for _, category in pairs]
    number = {text: index for index, text in enumerate(sorted(set(texts)))}
    name = graph.add_ml(
        "LabelEncoder",
        block.dense(graph),
        keys_strings=list(number),
        values_floats=[float(index) for index in number.values()],
        default_float=float(_UNKNOWN),
    )
    return name, np.array([number[text] for text in texts], np.float32)


def lookup(graph: GraphWriter, block: Block, codes: list[Codes], unknown: list[float]) -> Dense:
    """Each column's categories as their codes, doubles of shape (n, width); others get the column's `unknown`."""
    if not block.text:
        raise UnsupportedStepError("an encoder of numbers as categories has no rule for doubles")
    vocabulary = sorted({_text(category) for column in codes for category, _ in column})
    row = {text: index for index, text in enumerate(vocabulary)}
    table = np.repeat(np.array([unknown], np.float64), len(vocabulary) + 1, axis=0)
    for column, pairs in enumerate(codes):
        for category, code in pairs:
            table[row[_text(category)], column] = code
    width = len(codes)
    first = graph.add_ml(
        "LabelEncoder",
        block.dense(graph),
        keys_strings=vocabulary,
        values_int64s=[index * width for index in row.values()],
        default_int64=len(vocabulary) * width,
    )
    cell = graph.add("Add", first, graph.constant(np.arange(width, dtype=np.int64)))
    return Dense(graph.add("Gather", graph.constant(table.ravel()), cell), width)


def _text(category: Any) -> str:
    """A category as the graph receives it: a missing text is the empty one."""
    if is_missing(category):
        return ""
    if not isinstance(category, str):
        raise UnsupportedStepError("an encoder of texts has categories that are no texts")
    return category
