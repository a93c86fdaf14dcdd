"""Arrow types of columns: which are readable, the type each is read as, and the decoded size."""

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.tables.table_errors import UnreadableColumn

_UNREADABLE = {b"unreadable": b"1"}
"""Metadata of a field whose cells were left out because its type is not readable."""


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type a column is read as: dictionaries as their values, every text type as string, timestamps in UTC."""
    if pa.types.is_dictionary(kind) and _is_scalar(kind.value_type):
        return plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp(kind.unit, "UTC")
    return kind


def dictionary_type(kind: pa.DataType) -> pa.DataType:
    """The same, except that a dictionary of text remains a dictionary."""
    plain = plain_type(kind)
    return pa.dictionary(pa.int32(), plain) if pa.types.is_dictionary(kind) and pa.types.is_string(plain) else plain


def plain_field(field: pa.Field) -> pa.Field:
    """The field a column is read as; a null field, which `refuse_unreadable` recognises, where it is not readable."""
    kind = plain_type(field.type)
    return pa.field(field.name, kind) if _is_scalar(kind) else pa.field(field.name, pa.null(), metadata=_UNREADABLE)


def is_readable(field: pa.Field) -> bool:
    """Whether a column's cells are scalars: text, numbers, booleans or dates."""
    return _is_scalar(plain_type(field.type)) and field.metadata != _UNREADABLE


def refuse_unreadable(number: int, field: pa.Field) -> None:
    """Raise UnreadableColumn where a column's type is not readable."""
    if not is_readable(field):
        raise UnreadableColumn(number, field.name)


def plain_bytes(batch: pa.RecordBatch) -> int:
    """The size of rows with every column in its plain type, where a text shared by many rows counts for each."""
    return sum(map(_plain_bytes, batch.columns))


def _plain_bytes(column: pa.Array) -> int:
    kind = plain_type(column.type)
    if kind == column.type and not pa.types.is_dictionary(kind):
        return int(column.nbytes)
    if not pa.types.is_string(kind):
        return len(column) * int(kind.bit_width) // 8
    lengths = pc.binary_length(column.dictionary if pa.types.is_dictionary(column.type) else column)
    if pa.types.is_dictionary(column.type):
        lengths = lengths.take(column.indices)
    return int(pc.sum(lengths).as_py() or 0)


def _is_scalar(kind: pa.DataType) -> bool:
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_string(kind):
        return True
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return True
    return bool(pa.types.is_primitive(kind) and not pa.types.is_interval(kind))
