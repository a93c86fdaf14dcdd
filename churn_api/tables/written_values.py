"""Converts values for formats without types for dates, times and decimals."""

import pyarrow as pa


def as_written(table: pa.Table) -> pa.Table:
    """The table with dates, times and decimals cast to text."""
    return table.cast(pa.schema([(field.name, _written_type(field.type)) for field in table.schema]))


def _written_type(kind: pa.DataType) -> pa.DataType:
    is_native = pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return kind if is_native else pa.string()
