"""Reads a complete NDJSON file as one table: one column for each member that any line has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.table_errors import BadRow
from churn_api.tables.text_blocks import NONBLANK_LINE
from churn_api.tables.typed_cells import cast_column, common_type, typed_column


class _BlockColumns(NamedTuple):
    """The columns of one block, each of length `rows`."""

    rows: int
    columns: dict[str, pa.Array]


def read_members(layout: Layout, blocks: Iterator[Block]) -> pa.Table:
    """Read columns in the order of first occurrence; null where a line lacks the member.

    Raises TableError with the row's number, which does not count blank lines.
    """
    parts: list[_BlockColumns] = []
    number = 1
    try:
        for block in blocks:
            parts.append(_read_block(layout, block))
            number += parts[-1].rows
    except BadRow as error:
        raise error.with_row_number(number) from error
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return pa.table({name: _column([part.columns.get(name, pa.nulls(part.rows)) for part in parts]) for name in names})


def _column(parts: list[pa.Array]) -> pa.ChunkedArray:
    kind = common_type(part.type for part in parts)
    return pa.chunked_array([cast_column(part, kind) for part in parts], kind)


def _read_block(layout: Layout, block: Block) -> _BlockColumns:
    with Path(layout.path).open("rb") as file:
        file.seek(block.start)
        lines = NONBLANK_LINE.findall(file.read(block.stop - block.start))
    records = [_record(line, row) for row, line in enumerate(lines)]
    names = dict.fromkeys(name for record in records for name in record)
    return _BlockColumns(len(records), {name: typed_column([record.get(name) for record in records]) for name in names})


def _record(line: bytes, row: int) -> dict[str, Any]:
    """The members of a line. Raises BadRow where it is not an object, or a member is a list or an object."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        raise BadRow("a line is not one JSON object", row, "the line is not one JSON object")
    for name, value in record.items():
        if isinstance(value, dict | list):
            complaint = f"column {name!r} holds an object or a list: only text, numbers and booleans can be read"
            raise BadRow(complaint, row, complaint)
    return record
