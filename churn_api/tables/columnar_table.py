"""Reads a complete file of a format with columns as one table."""

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa

from churn_api.tables.columnar_reader import ReadCells
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.row_numbers import with_row_numbers
from churn_api.tables.table_errors import BadRow, TableError, UnreadableColumn, numbered


def read_columns(
    read_cells: ReadCells, header_rows: int, layout: Layout, blocks: Iterator[Block], unneeded: Collection[str] = ()
) -> pa.Table:
    """Read every column, block by block; rows have their numbers.

    A column that cannot be read is null in every row where it is `unneeded`; else TableError is raised, as it is for an
    invalid row, which it names.
    """
    empty = Block(0, layout.start, layout.start)
    unreadable = [name for name in layout.names if name in unneeded and not _is_readable(read_cells, layout, name)]
    names = [name for name in layout.names if name not in unreadable]
    tables = [read_cells(layout, empty, names, ()).table]
    lines = [np.empty(0, np.int64)]
    number, line = header_rows + 1, layout.lines + 1
    try:
        for block in blocks:
            cells = read_cells(layout, block, names, ())
            line_of = np.arange(cells.rows) if cells.line_of is None else cells.line_of
            for row, actual, expected in cells.ragged:
                name = numbered(number + row, line + int(line_of[row]))
                raise TableError(f"{name} has {actual} cells where the header has {expected}")
            tables.append(cells.table)
            lines.append(line + line_of)
            number, line = number + cells.rows, line + cells.lines
    except BadRow as error:
        raise error.with_row_number(number) from error
    table = pa.concat_tables(tables)
    for name in unreadable:
        table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return with_row_numbers(table.select(layout.names), header_rows + 1, np.concatenate(lines))


def _is_readable(read_cells: ReadCells, layout: Layout, name: str) -> bool:
    try:
        read_cells(layout, Block(0, layout.start, layout.start), [name], ())
    except UnreadableColumn:
        return False
    return True
