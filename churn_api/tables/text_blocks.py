"""What the formats that are text share: their first bytes, and blocks that are cut in windows."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from churn_api.tables.file_parts import Layout
from churn_api.tables.row_boundaries import MAX_ROW_BYTES, line_at
from churn_api.tables.table_errors import BadRow, TableError

TEXT_BYTES = 1 << 22
"""Of a block of text, at most, unless one row has more."""
TEXT_LINES = 1 << 16
"""Of a block of text, at most, without blank ones: a bad row takes half a millisecond, a blank line next to nothing."""
NOT_UTF8 = "not UTF-8 text: save it as CSV UTF-8"
BOM = b"\xef\xbb\xbf"
START_BYTES = 1 << 16
"""Bytes in which most headers end."""

WRITTEN_LINE = re.compile(rb"[^ \t\r\n][^\n]*+")
"""A line, up to its line feed, with more than white space in it."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def first_bytes(path: Path) -> bytes:
    """What a file begins with. Raises TableError where it is no text that can be read."""
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if start.startswith(_UTF16):
        raise TableError(f"{path.name}: {NOT_UTF8}")
    if b"\0" in start:
        raise TableError(f"{path.name} is no text")
    return start


class TextRows(NamedTuple):
    """How the rows of a text are told."""

    whole: Callable[[bytes], int]
    """How many bytes of those that begin a row are whole rows."""
    line: bytes
    """The pattern of a line that is not blank, and of blank ones before it. A row has at least one."""
    endless: str
    """What is wrong with a row that does not end."""


def text_stops(layout: Layout, start: int, rows: TextRows) -> Iterator[int]:
    """The end of each block after `start`. Raises BadRow where a row does not end."""
    with Path(layout.path).open("rb") as file:
        while start < layout.stop:
            start = _stop(file, layout, start, rows)
            yield start


def has_more_rows(layout: Layout, most: int, next_row: Callable[[bytes, int], int]) -> bool:
    """Whether a text has more than `most` rows. `next_row` says where the next one ends, or 0 where there is none."""
    with Path(layout.path).open("rb") as file:
        file.seek(layout.start)
        data = file.read(layout.stop - layout.start)
    # Few enough lines are few enough rows, whatever stands in them.
    if data.count(b"\n") + data.count(b"\r") < most:
        return False
    end, rows = 0, 0
    while rows <= most and (end := next_row(data, end)):
        rows += 1
    return rows > most


def next_line(data: bytes, start: int) -> int:
    """Where the line ends that is the first after `start` that is not blank; 0 where there is none."""
    found = WRITTEN_LINE.search(data, start)
    return found.end() if found else 0


def _stop(file: BinaryIO, layout: Layout, start: int, rows: TextRows) -> int:
    """The end of the last whole row in the shortest window that holds one, or of as many as a block may have lines."""
    window = TEXT_BYTES
    while True:
        file.seek(start)
        data = file.read(min(window, layout.stop - start))
        few, is_last = _first_lines(data, rows.line), start + window >= layout.stop
        if is_last and len(few) == len(data):
            return layout.stop
        whole = rows.whole(few) or rows.whole(data)
        if whole:
            return start + whole
        if is_last:
            return layout.stop
        if window >= MAX_ROW_BYTES:
            path = Path(layout.path)
            raise BadRow(f"{path.name}, line {line_at(path, start)}: {rows.endless}", 0, rows.endless)
        window *= 2


def _first_lines(data: bytes, line: bytes) -> bytes:
    """As many lines as a block may have, and the blank ones between them."""
    if data.count(b"\n") + data.count(b"\r") <= TEXT_LINES:
        return data
    match = _lines_pattern(line, TEXT_LINES).match(data)
    return match.group() if match else data


@cache
def _lines_pattern(line: bytes, count: int) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b){%d}+\r?\n?" % (line, count))
