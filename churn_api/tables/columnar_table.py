"""Reads a complete file of a format with columns as one table."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from churn_api.tables.columnar_reader import ReadCells
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.row_numbers import with_row_numbers
from churn_api.tables.table_errors import BadRow, TableError, numbered


def read_columns(read_cells: ReadCells, header_rows: int, layout: Layout, blocks: Iterator[Block]) -> pa.Table:
    """Read every column, block by block; rows have their numbers. Raises TableError that names an invalid row."""
    empty = Block(0, layout.start, layout.start)
    tables = [read_cells(layout, empty, layout.names, ()).table]
    lines = [np.empty(0, np.int64)]
    number, line = header_rows + 1, layout.lines + 1
    try:
        for block in blocks:
            cells = read_cells(layout, block, layout.names, ())
            line_of = np.arange(cells.rows) if cells.line_of is None else cells.line_of
            for row, actual, expected in cells.ragged:
                name = numbered(number + row, line + int(line_of[row]))
                raise TableError(f"{name} has {actual} cells where the header has {expected}")
            tables.append(cells.table)
            lines.append(line + line_of)
            number, line = number + cells.rows, line + cells.lines
    except BadRow as error:
        raise error.with_row_number(number) from error
    return with_row_numbers(pa.concat_tables(tables), header_rows + 1, np.concatenate(lines))
