"""Kinds of columns: which can be read, and as what."""

import pyarrow as pa

from churn_api.tables.errors import TableError


def plain_kind(kind: pa.DataType) -> pa.DataType:
    """The kind that a column is read as: dictionaries as their values, every kind of text as one, instants in UTC."""
    if pa.types.is_dictionary(kind):
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


def refuse_unreadable(field: pa.Field) -> None:
    """Raise TableError where a column's cells are no single text, number, boolean or date."""
    kind = plain_kind(field.type)
    single = pa.types.is_primitive(kind) and not pa.types.is_interval(kind)
    if not (single or pa.types.is_string(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)):
        raise TableError(f"column {field.name!r} holds {kind}: only text, numbers and booleans can be read")
