"""Cells of a column -> plain Arrow types, and single cells -> the values of a JSON record."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.signature import Feature
from churn_api.contract.text_values import WHITESPACE, typed_value
from churn_api.tables.cell_text import as_text
from churn_api.tables.plain_cells import to_plain
from churn_api.tables.table_errors import TableError

_UNITS_A_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def plain_column(name: str, column: pa.ChunkedArray) -> pa.Array:
    """A column from `read_cells` as text, integers, float64 or booleans; NaN becomes null. Dictionaries of text remain.

    Durations are in seconds. Raises TableError where a date's time zone is unknown.
    """
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    cells = column.combine_chunks()
    kind = cells.type
    if pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return cells
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = cells.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    if pa.types.is_duration(kind):
        return pc.divide(cells.cast(pa.int64()).cast(pa.float64()), _UNITS_A_SECOND[kind.unit])
    try:
        return _instants(cells.cast(pa.string())) if pa.types.is_temporal(kind) else cells.cast(pa.string())
    except pa.ArrowException as error:
        family = str(kind).partition("[")[0]  # the rest comes from the file: a time zone may be any text
        raise TableError(f"column {name!r} holds {family}, which cannot be read as text") from error


def plain_feature_column(feature: Feature, column: pa.ChunkedArray, *, typed: bool) -> pa.Array:
    """The same for a feature's column; a feature of type string always becomes text. Raises TableError."""
    cells = plain_column(feature.name, column)
    if is_text(cells):
        return to_plain(feature, cells, typed=typed)
    if feature.numeric:
        return cells
    encoded = cells.dictionary_encode()
    return as_text(encoded.dictionary).take(encoded.indices)


def _instants(texts: pa.Array) -> pa.Array:
    """Instants as text without zeros at the end of their seconds: the unit in which they are stored does not show."""
    shorter = pc.replace_substring_regex(texts, r"(\.[0-9]*?)0+(Z?)$", r"\1\2")
    return pc.replace_substring_regex(shorter, r"\.(Z?)$", r"\1")


def json_converter(feature: Feature) -> Callable[[Any], Any]:
    """A function from a cell of `plain_feature_column` to the value that a JSON record would have."""
    choices, labels = frozenset(feature.choices or ()), frozenset(feature.labels or ())

    def convert(cell: Any) -> Any:
        if not isinstance(cell, str):
            return bool(cell) if feature.type == "boolean" and cell in (0, 1) else cell
        text = cell.strip(WHITESPACE)
        if feature.type == "string":
            return cell if cell in choices else text
        return text if text in labels else typed_value(feature.type, text)

    return convert


def is_missing(cell: Any) -> bool:
    """Whether a cell of `plain_column` is null, or white space only."""
    return cell is None or (isinstance(cell, str) and not cell.strip(WHITESPACE))


def is_text(cells: pa.Array) -> bool:
    """Whether cells are text, dictionary-encoded or not."""
    return bool(pa.types.is_string(cells.type) or pa.types.is_dictionary(cells.type))
