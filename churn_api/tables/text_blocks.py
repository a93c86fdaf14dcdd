"""Shared by the text formats: checking the first bytes, and splitting a file into blocks."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from churn_api.tables.encodings import likely_encoding
from churn_api.tables.file_parts import Layout
from churn_api.tables.row_boundaries import MAX_ROW_BYTES, line_at
from churn_api.tables.table_errors import BadRow, TableError

TEXT_BYTES = 1 << 22
"""Maximum bytes of a block of text, unless one row has more."""
TEXT_LINES = 1 << 16
"""Maximum nonblank lines of a block of text: an invalid row takes half a millisecond."""
BOM = b"\xef\xbb\xbf"
START_BYTES = 1 << 16
"""Bytes that contain most headers."""

NONBLANK_LINE = re.compile(rb"[^ \t\r\n][^\n]*+")
"""A line with more than white space, up to its line feed."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def not_utf8(data: bytes) -> str:
    """The complaint about bytes that are not UTF-8, with the likely encoding."""
    likely = likely_encoding(data)
    return f"not UTF-8 text: save it as CSV UTF-8, or name its encoding: --encoding {likely or 'NAME'}" + (
        ", which it looks like" if likely else ""
    )


def first_bytes(path: Path) -> bytes:
    """The first bytes of a file. Raises TableError where they are not readable text."""
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if start.startswith(_UTF16):
        raise TableError(f"{path.name}: {not_utf8(start)}")
    if b"\0" in start:
        if (likely_encoding(start) or "").startswith("utf-16"):
            raise TableError(f"{path.name}: {not_utf8(start)}")
        raise TableError(f"{path.name} is no text")
    return start


class TextRows(NamedTuple):
    """How to find the rows of a text."""

    complete_size: Callable[[bytes], int]
    """How many bytes, of bytes that begin with a row, form complete rows."""
    line: bytes
    """The pattern of a nonblank line with the blank lines before it. A row has at least one line."""
    unterminated: str
    """The complaint about a row that does not end."""


def text_stops(layout: Layout, start: int, rows: TextRows) -> Iterator[int]:
    """The end of each block after `start`. Raises BadRow where a row does not end."""
    with Path(layout.path).open("rb") as file:
        while start < layout.stop:
            start = _stop(file, layout, start, rows)
            yield start


def has_more_rows(layout: Layout, most: int, next_row: Callable[[bytes, int], int]) -> bool:
    """Whether a text has more than `most` rows. `next_row` returns the end of the next row, 0 where there is none."""
    with Path(layout.path).open("rb") as file:
        file.seek(layout.start)
        data = file.read(layout.stop - layout.start)
    # A row has at least one line, so few lines mean few rows.
    if data.count(b"\n") + data.count(b"\r") < most:
        return False
    end, rows = 0, 0
    while rows <= most and (end := next_row(data, end)):
        rows += 1
    return rows > most


def next_line(data: bytes, start: int) -> int:
    """The end of the first nonblank line after `start`; 0 where there is none."""
    match = NONBLANK_LINE.search(data, start)
    return match.end() if match else 0


def _stop(file: BinaryIO, layout: Layout, start: int, rows: TextRows) -> int:
    """The end of a block: of the last complete row within the maximum size and number of lines.

    A row that is longer than the window doubles the window.
    """
    window = TEXT_BYTES
    while True:
        file.seek(start)
        data = file.read(min(window, layout.stop - start))
        lines, is_last = _first_lines(data, rows.line), start + window >= layout.stop
        if is_last and len(lines) == len(data):
            return layout.stop
        size = rows.complete_size(lines) or rows.complete_size(data)
        if size:
            return start + size
        if is_last:
            return layout.stop
        if window >= MAX_ROW_BYTES:
            path = Path(layout.path)
            line = line_at(path, start)
            raise BadRow(f"{path.name}, line {line}: {rows.unterminated}", 0, rows.unterminated, line)
        window *= 2


def _first_lines(data: bytes, line: bytes) -> bytes:
    """As many nonblank lines as a block may have, and the blank lines between them."""
    if data.count(b"\n") + data.count(b"\r") <= TEXT_LINES:
        return data
    match = _lines_pattern(line, TEXT_LINES).match(data)
    return match.group() if match else data


@cache
def _lines_pattern(line: bytes, count: int) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b){%d}+\r?\n?" % (line, count))
