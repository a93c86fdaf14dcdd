"""A whole file of a format with columns, as one table."""

from collections.abc import Iterator

import pyarrow as pa

from churn_api.tables.columnar_reader import ReadCells
from churn_api.tables.errors import BadRow, TableError
from churn_api.tables.file_parts import Block, Layout


def read_columns(layout: Layout, blocks: Iterator[Block], read_cells: ReadCells, first_row: int) -> pa.Table:
    """Every column, block by block; the first row has the number `first_row`.

    Raises TableError, with the number of the row where one is at fault.
    """
    nothing = Block(0, layout.start, layout.start)
    tables = [read_cells(layout, nothing, layout.names, ()).table]
    number = first_row
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
