"""Golden rows: a bundle contains their probabilities, and loading it verifies that it still computes them.

The values of a golden row are drawn from each column independently, so a bundle contains no customer's record.
"""

from typing import Any

import numpy as np

from churn_api.contract.columns import Columns
from churn_api.contract.example import example_value
from churn_api.contract.signature import Feature, Signature

ROWS = 16
UNSEEN = "a category that no training table holds"

GoldenRow = tuple[Any, ...]


def golden_rows(signature: Signature, columns: Columns, seed: int) -> tuple[GoldenRow, ...]:
    """Mixed rows of a table, then rows with one feature missing, with all missing, and with an unseen category."""
    rng = np.random.default_rng(seed)
    mixed = [_mixed_row(signature, columns, rng) for _ in range(ROWS)]
    return (*mixed, *_incomplete(mixed[0]), *_with_unseen(signature, mixed[0]))


def golden_rows_from_examples(signature: Signature) -> tuple[GoldenRow, ...]:
    """Golden rows without a table, from the signature's example values."""
    row = tuple(example_value(feature) for feature in signature.features)
    return (row, *_incomplete(row), *_with_unseen(signature, row))


def _mixed_row(signature: Signature, columns: Columns, rng: np.random.Generator) -> GoldenRow:
    numbers = iter(columns.numbers.T)
    texts = iter(columns.texts.T)
    return tuple(
        _value(feature, rng.choice(next(numbers) if feature.numeric else next(texts))) for feature in signature.features
    )


def _value(feature: Feature, cell: Any) -> Any:
    """A cell of Columns as a value of a record."""
    if cell == "" or (feature.numeric and np.isnan(cell)):
        return None
    if feature.type == "boolean":
        return bool(cell)
    return int(cell) if feature.type == "integer" else cell if feature.type == "string" else float(cell)


def _incomplete(row: GoldenRow) -> list[GoldenRow]:
    without_one = [(*row[:index], None, *row[index + 1 :]) for index in range(len(row))]
    return [*without_one, (None,) * len(row)]


def _with_unseen(signature: Signature, row: GoldenRow) -> list[GoldenRow]:
    return [
        (*row[:index], UNSEEN, *row[index + 1 :])
        for index, feature in enumerate(signature.features)
        if not feature.numeric
    ]
