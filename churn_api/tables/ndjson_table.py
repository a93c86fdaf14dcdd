"""Reads a complete NDJSON file as one table: one column for each member that any line has."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.ndjson_lines import nonblank_lines
from churn_api.tables.row_numbers import with_row_numbers
from churn_api.tables.table_errors import BadRow
from churn_api.tables.typed_cells import cast_column, common_type, typed_column


class _BlockColumns(NamedTuple):
    """The columns of one block, each with a cell for each of `lines`."""

    lines: list[int]
    """The line of each row, from 1, within the file."""
    columns: dict[str, pa.Array]
    next_line: int
    """The first line of the next block."""


def read_members(layout: Layout, blocks: Iterator[Block], unneeded: Collection[str] = ()) -> pa.Table:
    """Read columns in the order of first occurrence; null where a line lacks the member.

    Objects and lists of a member that is `unneeded` are null. Rows have their numbers, which do not count blank lines.
    Raises TableError that names an invalid row.
    """
    parts: list[_BlockColumns] = []
    number, line = 1, 1
    try:
        for block in blocks:
            parts.append(_read_block(layout, block, line, unneeded))
            number, line = number + len(parts[-1].lines), parts[-1].next_line
    except BadRow as error:
        raise error.with_row_number(number) from error
    names = dict.fromkeys(name for part in parts for name in part.columns)
    table = pa.table(
        {name: _column([part.columns.get(name, pa.nulls(len(part.lines))) for part in parts]) for name in names}
    )
    return with_row_numbers(table, 1, np.array([line for part in parts for line in part.lines], np.int64))


def _column(parts: list[pa.Array]) -> pa.ChunkedArray:
    kind = common_type(part.type for part in parts)
    return pa.chunked_array([cast_column(part, kind) for part in parts], kind)


def _read_block(layout: Layout, block: Block, first_line: int, unneeded: Collection[str]) -> _BlockColumns:
    with Path(layout.path).open("rb") as file:
        file.seek(block.start)
        data = file.read(block.stop - block.start)
    numbers, texts = nonblank_lines(data)
    lines = [first_line + number for number in numbers]
    records = [_record(text, row, line, unneeded) for row, (text, line) in enumerate(zip(texts, lines, strict=True))]
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: typed_column([record.get(name) for record in records]) for name in names}
    return _BlockColumns(lines, columns, first_line + data.count(b"\n"))


def _record(text: str | None, row: int, line: int, unneeded: Collection[str]) -> dict[str, Any]:
    """The members of a line. Raises BadRow where it is not an object, or a member is a list or an object."""
    try:
        record = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise BadRow("a line is not one JSON object", row, "the line is not one JSON object", line)
    for name, value in record.items():
        if isinstance(value, dict | list) and name in unneeded:
            record[name] = None
        elif isinstance(value, dict | list):
            complaint = f"column {name!r} holds an object or a list: only text, numbers and booleans can be read"
            raise BadRow(complaint, row, complaint, line)
    return record
