"""The NDJSON format: one JSON object per line."""

import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import orjson

from churn_api.contract.record import RecordReader
from churn_api.contract.size_limits import Bounds
from churn_api.tables.encodings import prepare_text
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.format import BlockReader, Format
from churn_api.tables.read_options import AS_IT_IS, PreparedFile, ReadOptions
from churn_api.tables.text_blocks import BOM, TextRows, first_bytes, has_more_rows, next_line, text_stops

if TYPE_CHECKING:
    import pyarrow as pa

_LINES = TextRows(lambda data: data.rfind(b"\n") + 1, rb"[ \t\r\n]*+[^\n]++", "this is longer than a row can be")
_ROWS = 1 << 10
"""Rows held as Python objects at a time."""


class Ndjson(Format):
    """Read line by line, since the members of lines are not known in advance."""

    name = "ndjson"
    title = "NDJSON"
    media_type = "application/x-ndjson"
    suffixes = (".ndjson", ".jsonl")
    magic = (b"{",)
    gzipped = True
    binary = False
    part_format = name

    def prepare(self, path: Path, folder: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> PreparedFile:
        """The file itself, or its text: decompressed where it is gzipped, and in UTF-8."""
        return prepare_text(path, folder, bounds, options)

    def layout(self, path: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> Layout:
        """There is no header: data begins after the byte order mark."""
        start = len(BOM) * first_bytes(path).startswith(BOM)
        return Layout(str(path), self.name, (), start, path.stat().st_size, None)

    def has_more_rows(self, layout: Layout, most: int) -> bool:
        """Counts nonblank lines."""
        return has_more_rows(layout, most, next_line)

    def stops(self, layout: Layout, start: int) -> Iterator[int]:
        """The ends of lines."""
        return text_stops(layout, start, _LINES)

    def reader(
        self, records: RecordReader, layout: Layout, keep: Sequence[str] | None, reserved: frozenset[str]
    ) -> BlockReader:
        """A reader of lines as records."""
        from churn_api.tables.ndjson_reader import NdjsonReader

        return NdjsonReader(records, layout, keep, reserved)

    def read_table(self, layout: Layout, blocks: Iterator[Block], unneeded: Collection[str] = ()) -> "pa.Table":
        """One column for each member that any line has."""
        from churn_api.tables.ndjson_table import read_members

        return read_members(layout, blocks, unneeded)

    def encode(self, table: "pa.Table") -> bytes:
        """One line per row, with null for missing values."""
        from churn_api.tables.written_values import as_written

        names, sink = table.column_names, io.BytesIO()
        for batch in as_written(table).to_batches(max_chunksize=_ROWS):
            for row in zip(*[column.to_pylist() for column in batch.columns], strict=True):
                sink.write(orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE))
        return sink.getvalue()

    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> None:
        """Nothing to write: parts are concatenated."""
