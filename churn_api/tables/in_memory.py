"""Tables in memory: Arrow's columns, read by the rules that files of them are read by."""

from collections.abc import Sequence

import pyarrow as pa

from churn_api.contract.record import RecordReader
from churn_api.tables.columnar_reader import ColumnarReader
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.read_result import Rows
from churn_api.tables.row_groups import stored_cells


def read_in_memory(table: pa.Table, records: RecordReader, names: Sequence[str] = ()) -> Rows:
    """All rows of a table. `names` are the columns of a larger one that it was taken from, for hints.

    Raises TableFaults where columns are missing, or TableError where a column cannot be read.
    """

    def read_cells(layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str]) -> Cells:
        return stored_cells(layout, block, lambda: table.select(list(names)), coded)

    rows = table.num_rows
    layout = Layout("the table", "", tuple(names or table.column_names), 0, rows, rows)
    return ColumnarReader(records, layout, (), frozenset(), read_cells).read(Block(0, 0, rows))
