"""A whole file of a format with columns, as one table."""

from collections.abc import Iterator

import pyarrow as pa

from churn_api.tables.columnar_reader import ReadCells
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.table_errors import BadRow, TableError


def read_columns(read_cells: ReadCells, header_rows: int, layout: Layout, blocks: Iterator[Block]) -> pa.Table:
    """Every column, block by block. Raises TableError, with the row's number in the file where a row is at fault."""
    nothing = Block(0, layout.start, layout.start)
    tables = [read_cells(layout, nothing, layout.names, ()).table]
    number = header_rows + 1
    try:
        for block in blocks:
            cells = read_cells(layout, block, layout.names, ())
            for row, found, expected in cells.ragged:
                raise TableError(f"row {number + row} has {found} cells where the header has {expected}")
            tables.append(cells.table)
            number += cells.rows
    except BadRow as error:
        raise error.at(number) from error
    return pa.concat_tables(tables)
