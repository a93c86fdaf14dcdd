"""Kinds of columns: which can be read, as what, and what they take once they are."""

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.tables.table_errors import TableError

_UNREADABLE = {b"unreadable": b"1"}
"""Metadata of a field whose cells were left out, as they could not be read."""


def plain_kind(kind: pa.DataType) -> pa.DataType:
    """The kind that a column is read as: dictionaries as their values, every kind of text as one, instants in UTC."""
    if pa.types.is_dictionary(kind) and _is_single(kind.value_type):
        return plain_kind(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp(kind.unit, "UTC")
    return kind


def coded_kind(kind: pa.DataType) -> pa.DataType:
    """The same, but that a dictionary of texts stays one."""
    plain = plain_kind(kind)
    return pa.dictionary(pa.int32(), plain) if pa.types.is_dictionary(kind) and pa.types.is_string(plain) else plain


def plain_field(field: pa.Field) -> pa.Field:
    """A column as it is read; where it cannot be, one of nothing, which `refuse_unreadable` knows."""
    kind = plain_kind(field.type)
    return pa.field(field.name, kind) if _is_single(kind) else pa.field(field.name, pa.null(), metadata=_UNREADABLE)


def is_readable(field: pa.Field) -> bool:
    """Whether a column's cells are single texts, numbers, booleans or dates."""
    return _is_single(plain_kind(field.type)) and field.metadata != _UNREADABLE


def refuse_unreadable(number: int, field: pa.Field) -> None:
    """Raise TableError where a column's cells cannot be read."""
    if not is_readable(field):
        raise TableError(f"column {number} holds no single values: only text, numbers and booleans can be read")


def plain_bytes(batch: pa.RecordBatch) -> int:
    """What rows take once every column is of its plain kind, where one text may be shared by many rows."""
    return sum(map(_plain_bytes, batch.columns))


def _plain_bytes(column: pa.Array) -> int:
    kind = plain_kind(column.type)
    if kind == column.type and not pa.types.is_dictionary(kind):
        return int(column.nbytes)
    if not pa.types.is_string(kind):
        return len(column) * int(kind.bit_width) // 8
    lengths = pc.binary_length(column.dictionary if pa.types.is_dictionary(column.type) else column)
    if pa.types.is_dictionary(column.type):
        lengths = lengths.take(column.indices)
    return int(pc.sum(lengths).as_py() or 0)


def _is_single(kind: pa.DataType) -> bool:
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_string(kind):
        return True
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return True
    return bool(pa.types.is_primitive(kind) and not pa.types.is_interval(kind))
