"""The Parquet format: read in place, one row group or a part of one at a time."""

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from churn_api.contract.size_limits import Bounds
from churn_api.tables.arrow import Arrow
from churn_api.tables.column_names import refuse_bad_names
from churn_api.tables.file_parts import BLOCK_ROWS, Block, Cells, Layout
from churn_api.tables.format import Format, TableWriter
from churn_api.tables.read_options import AS_IT_IS, PreparedFile, ReadOptions
from churn_api.tables.table_errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_UNSPLIT_ROWS = 4 * BLOCK_ROWS
"""A row group with at most so many rows is one block: decoding it in one go costs least."""

OPTIONS: Mapping[str, Any] = {"compression": "zstd", "dictionary_pagesize_limit": 1 << 16}
"""Options of the writer. The small dictionary limit makes columns of unique values, such as identifiers, fall back to
plain encoding early: their dictionary would take 30 MB and most of the time, and make the file larger."""


class Parquet(Format):
    """Its parts are Arrow, which costs almost nothing to write and to read."""

    name = "parquet"
    title = "Parquet"
    content = "A Parquet file, as `DataFrame.to_parquet` writes it"
    media_type = "application/vnd.apache.parquet"
    suffixes = (".parquet", ".pq")
    magic = (b"PAR1",)
    data_set = True
    part_format = Arrow.name

    def prepare(self, path: Path, folder: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> PreparedFile:
        """The file itself."""
        return PreparedFile(path)

    def layout(self, path: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> Layout:
        """The layout from the file's footer."""
        import pyarrow as pa
        import pyarrow.parquet

        from churn_api.tables.pandas_index import index_columns
        from churn_api.tables.parquet_pages import check_pages

        check_pages(path, bounds)
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                names, rows = file.schema_arrow.names, file.metadata.num_rows
                index = index_columns(file.schema_arrow, names)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise TableError(f"{path.name} is not a complete Parquet file") from error
        refuse_bad_names(path, names)
        return Layout(str(path), self.name, tuple(names), 0, rows, rows, index_columns=index)

    def stops(self, layout: Layout, start: int) -> Iterator[int]:
        """The ends of row groups, and of the parts of large row groups."""
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(layout.path) as file:
            sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
        stop = 0
        for size in sizes:
            if size > MAX_UNSPLIT_ROWS:
                yield from range(stop + BLOCK_ROWS, stop + size, BLOCK_ROWS)
            stop += size
            yield stop

    def pieces(self, block: Block) -> list[Block]:
        """A row group in parts: it is decoded once, but never held in memory completely."""
        starts = range(block.start, block.stop, BLOCK_ROWS)
        return [Block(block.number, start, min(start + BLOCK_ROWS, block.stop)) for start in starts] or [block]

    def read_cells(self, layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str] = ()) -> Cells:
        """The columns as stored."""
        from churn_api.tables.row_groups import read_parquet, stored_cells

        return stored_cells(layout, block, partial(read_parquet, layout, names, block, coded), coded)

    def encode(self, table: "pa.Table") -> bytes:
        """A file with one row group."""
        import pyarrow.parquet

        sink = io.BytesIO()
        pyarrow.parquet.write_table(table, sink, row_group_size=max(table.num_rows, 1), **OPTIONS)
        return sink.getvalue()

    def decode(self, part: bytes) -> "pa.Table":
        """The rows of a file that `encode` made."""
        import pyarrow as pa
        import pyarrow.parquet

        return pyarrow.parquet.read_table(pa.BufferReader(part), use_threads=False)

    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> TableWriter:
        """A writer of row groups."""
        import pyarrow.parquet

        writer: TableWriter = pyarrow.parquet.ParquetWriter(sink, schema, **OPTIONS)
        return writer
