"""Reads a complete file of a format with columns as one table."""

from collections.abc import Iterator

import pyarrow as pa

from churn_api.tables.columnar_reader import ReadCells
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.table_errors import BadRow, TableError


def read_columns(read_cells: ReadCells, header_rows: int, layout: Layout, blocks: Iterator[Block]) -> pa.Table:
    """Read every column, block by block. Raises TableError, with the row's number where a row is invalid."""
    empty = Block(0, layout.start, layout.start)
    tables = [read_cells(layout, empty, layout.names, ()).table]
    number = header_rows + 1
    try:
        for block in blocks:
            cells = read_cells(layout, block, layout.names, ())
            for row, actual, expected in cells.ragged:
                raise TableError(f"row {number + row} has {actual} cells where the header has {expected}")
            tables.append(cells.table)
            number += cells.rows
    except BadRow as error:
        raise error.with_row_number(number) from error
    return pa.concat_tables(tables)
