"""Writers: a table in parts, each encoded on its own, and the parts joined into one file."""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from churn_api.tables.formats import Format

PARQUET: Mapping[str, Any] = {"compression": "zstd", "dictionary_pagesize_limit": 1 << 16}
"""How Parquet is written. Columns in which every value differs, as identifiers do, soon leave the dictionary: it would
cost 30 MB and most of the time, and make the file larger."""

PART_FORMATS: Mapping[Format, Format] = {"csv": "csv", "ndjson": "ndjson", "parquet": "arrow", "arrow": "arrow"}
"""How the parts of a file are encoded: those of Parquet as Arrow, which costs next to nothing to write and to read."""

_JSON_ROWS = 1 << 10
"""That are Python objects at a time."""


def encode(table: pa.Table, format: Format) -> bytes:  # noqa: A002
    """A block's rows as one part of a file: CSV without a header, Parquet and Arrow as small whole files."""
    sink = io.BytesIO()
    _ENCODERS[format](table, sink)
    return sink.getvalue()


class Joiner:
    """Joins parts, in the order in which they are added, into a file that holds no more than one of them in memory.

    The same rows give the same bytes, and no parts give a file of no rows. `part_format` is that of the parts where it
    is not that of PART_FORMATS.
    """

    def __init__(
        self,
        sink: BinaryIO,
        format: Format,  # noqa: A002
        schema: pa.Schema,
        part_format: Format | None = None,
    ) -> None:
        self._sink = sink
        self._read = _READERS.get(part_format or PART_FORMATS[format])
        self._writer: Any = _WRITERS[format](sink, schema) if format in _WRITERS else None
        if format == "csv":
            sink.write(_header(schema))

    def add(self, part: bytes) -> None:
        """The next part, as `encode` made it."""
        if self._read is None:
            self._sink.write(part)
        else:
            self._writer.write_table(self._read(part))

    def close(self) -> None:
        """Write what stands at a file's end. The sink stays open."""
        if self._writer is not None:
            self._writer.close()


def _header(schema: pa.Schema) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(schema.names)
    return text.getvalue().encode()


def _written_out(table: pa.Table) -> pa.Table:
    """The table with dates, times and decimals as text."""
    return table.cast(pa.schema([(field.name, _written_kind(field.type)) for field in table.schema]))


def _written_kind(kind: pa.DataType) -> pa.DataType:
    plain = pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return kind if plain else pa.string()


def _encode_csv(table: pa.Table, sink: BinaryIO) -> None:
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(_written_out(table), sink, options)


def _encode_ndjson(table: pa.Table, sink: BinaryIO) -> None:
    names = table.column_names
    for batch in _written_out(table).to_batches(max_chunksize=_JSON_ROWS):
        for row in zip(*[column.to_pylist() for column in batch.columns], strict=True):
            sink.write(orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE))


def _encode_parquet(table: pa.Table, sink: BinaryIO) -> None:
    pyarrow.parquet.write_table(table, sink, row_group_size=max(table.num_rows, 1), **PARQUET)


def _encode_arrow(table: pa.Table, sink: BinaryIO) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())


_ENCODERS: Mapping[Format, Callable[[pa.Table, BinaryIO], None]] = {
    "csv": _encode_csv,
    "ndjson": _encode_ndjson,
    "parquet": _encode_parquet,
    "arrow": _encode_arrow,
}


_WRITERS: Mapping[Format, Callable[[BinaryIO, pa.Schema], Any]] = {
    "parquet": lambda sink, schema: pyarrow.parquet.ParquetWriter(sink, schema, **PARQUET),
    "arrow": pa.ipc.new_stream,
}
_READERS: Mapping[Format, Callable[[bytes], pa.Table]] = {
    "parquet": lambda part: pyarrow.parquet.read_table(pa.BufferReader(part), use_threads=False),
    "arrow": lambda part: pa.ipc.open_stream(part).read_all(),
}
"""Of parts that cannot just follow each other in a file: each is read and written again."""
