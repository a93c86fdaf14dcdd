"""The Arrow format: an IPC stream or file of record batches."""

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from churn_api.contract.size_limits import Bounds
from churn_api.tables.column_names import refuse_bad_names, unnamed
from churn_api.tables.file_parts import BLOCK_ROWS, Block, Cells, Layout
from churn_api.tables.format import Format, TableWriter
from churn_api.tables.read_options import AS_IT_IS, PreparedFile, ReadOptions
from churn_api.tables.table_size import check_columns

if TYPE_CHECKING:
    import pyarrow as pa


class Arrow(Format):
    """Read from a copy whose batches have equal size; written as a stream."""

    name = "arrow"
    title = "Arrow"
    content = "An Arrow IPC stream, as `pyarrow.ipc.new_stream` writes it"
    media_type = "application/vnd.apache.arrow.stream"
    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".arrows")
    magic = (b"ARROW1", b"\xff\xff\xff\xff")
    part_format = name

    def prepare(self, path: Path, folder: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> PreparedFile:
        """A copy with the same rows in batches of BATCH_ROWS."""
        from churn_api.tables.regrouping import regroup

        return PreparedFile(regroup(path, folder / f"{path.name}.regrouped", bounds))

    def layout(self, path: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> Layout:
        """The layout of the copy that `prepare` wrote."""
        import pyarrow as pa

        from churn_api.tables.pandas_index import index_columns
        from churn_api.tables.regrouping import BATCH_ROWS

        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
            schema, batches = file.schema, file.num_record_batches
            rows = (batches - 1) * BATCH_ROWS + file.get_batch(batches - 1).num_rows if batches else 0
        names = schema.names
        check_columns(path, len(names), bounds)
        refuse_bad_names(path, names)
        index = index_columns(schema, names) + unnamed(names)
        skipped = options.skip_rows if self.header_rows else 0
        return Layout(
            str(path),
            self.name,
            tuple(names),
            0,
            rows,
            rows,
            lines=self.header_rows + skipped,
            skipped_rows=skipped,
            index_columns=index,
        )

    def stops(self, layout: Layout, start: int) -> Iterator[int]:
        """The ends of batches."""
        return iter([*range(BLOCK_ROWS, layout.stop, BLOCK_ROWS), layout.stop])

    def read_cells(self, layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str] = ()) -> Cells:
        """The columns as stored."""
        from churn_api.tables.row_groups import read_arrow, stored_cells

        return stored_cells(layout, block, partial(read_arrow, layout.path, names, block.start, block.stop))

    def encode(self, table: "pa.Table") -> bytes:
        """A stream of one batch."""
        import pyarrow as pa

        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        return sink.getvalue()

    def decode(self, part: bytes) -> "pa.Table":
        """The rows of a stream that `encode` made."""
        import pyarrow as pa

        return pa.ipc.open_stream(part).read_all()

    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> TableWriter:
        """A writer of batches."""
        import pyarrow as pa

        writer: TableWriter = pa.ipc.new_stream(sink, schema)
        return writer
