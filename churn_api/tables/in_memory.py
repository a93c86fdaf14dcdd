"""Reads Arrow tables in memory by the same rules as files."""

from collections.abc import Sequence

import pyarrow as pa

from churn_api.contract.record import RecordReader
from churn_api.tables.columnar_reader import ColumnarReader
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.read_result import ReadResult
from churn_api.tables.row_groups import stored_cells


def read_in_memory(
    table: pa.Table, records: RecordReader, names: Sequence[str] = (), *, typed: bool = True
) -> ReadResult:
    """Read all rows of a table. `names` are all columns of the table it was selected from, for hints. `typed` is
    false for the cells of a text.

    Raises TableFaults where columns are missing, or TableError where a column cannot be read.
    """

    def read_cells(layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str]) -> Cells:
        return stored_cells(layout, block, lambda: table.select(list(names)), coded)

    rows = table.num_rows
    layout = Layout("the table", "", tuple(names or table.column_names), 0, rows, rows)
    return ColumnarReader(records, layout, (), frozenset(), read_cells, typed=typed).read(Block(0, 0, rows))
