"""Values as formats write them that have no types for all."""

import pyarrow as pa


def as_written(table: pa.Table) -> pa.Table:
    """The table with dates, times and decimals as text."""
    return table.cast(pa.schema([(field.name, _written_kind(field.type)) for field in table.schema]))


def _written_kind(kind: pa.DataType) -> pa.DataType:
    plain = pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return kind if plain else pa.string()
