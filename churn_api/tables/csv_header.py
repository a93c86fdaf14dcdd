"""Finds the header of a CSV: below a byte order mark, skipped lines, blank lines and a line `sep=;`."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from churn_api.contract.size_limits import Bounds
from churn_api.tables.cell_patterns import is_number
from churn_api.tables.column_names import refuse_bad_names
from churn_api.tables.row_boundaries import MAX_ROW_BYTES, OPEN_QUOTE, count_lines, first_row
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_columns
from churn_api.tables.text_blocks import BOM, START_BYTES, not_utf8

DELIMITERS = ",;\t|"

_LINES = rb"(?:[^\r\n]*+(?:\r\n|\r|\n)){%d}"
_SEPARATOR = re.compile(rb'"?sep=(?P<sign>[^\r\n"]?)"?[ ,;\t|]*(?:\r\n|\r|\n)', re.IGNORECASE)
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_NAMES_OF_SIGNS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_TITLE_LINES = 6
_ROWS_BELOW = 3


class CsvHeader(NamedTuple):
    """The header of a file, and where it stands."""

    names: tuple[str, ...]
    delimiter: str
    start: int
    """Of the header, in bytes."""
    stop: int
    lines: int
    """Lines of the file up to the end of the header."""


class _Start(NamedTuple):
    skipped: bytes
    sign: str | None
    """The delimiter that the file names."""
    header: bytes
    """With its line ending."""
    below: bytes
    """Some of the data."""


def read_header(path: Path, bounds: Bounds, skip_rows: int) -> CsvHeader:
    """The header of a file: its delimiter is the one that the file names, or that splits the header into most columns.

    Raises TableError where the header is not one; where a line below looks like the header, the error says so.
    """
    start = _start(path, skip_rows)
    if bounds.columns is not None:
        check_columns(path, _most_cells(start.header), bounds)
    try:
        text = start.header.decode()
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name}: {not_utf8(start.header + start.below)}") from error
    signs = start.sign or DELIMITERS
    names, delimiter = max(((_cells(text, sign), sign) for sign in signs), key=lambda pair: len(pair[0]))
    if not names:
        raise TableError(f"{path.name} is not a CSV table")
    _refuse_title(path, start, names)
    refuse_bad_names(path, names)
    first, stop = len(start.skipped), len(start.skipped) + len(start.header)
    return CsvHeader(tuple(names), delimiter, first, stop, count_lines(start.skipped + start.header))


def delimiter_name(path: Path, delimiter: str) -> str | None:
    """What separates the columns, where that is not what the file's name says."""
    if delimiter == "\t" and ".tsv" in path.name.lower():
        return None
    return _NAMES_OF_SIGNS.get(delimiter)


def _start(path: Path, skip_rows: int) -> _Start:
    with path.open("rb") as file:
        data = file.read(START_BYTES)
        while not _is_beyond(above := _above(data, skip_rows), data) and len(data) < MAX_ROW_BYTES:
            if not (more := file.read(max(len(data), 1))):
                break
            data += more
        if above is None:
            raise TableError(f"{path.name} has no more than {skip_rows} lines: --skip-rows is too large")
        skipped, sign = above
        while (end := first_row(data[skipped:], sign or DELIMITERS)) == 0 and len(data) < MAX_ROW_BYTES:
            if not (more := file.read(max(len(data), START_BYTES))):
                break
            data += more
    rest = data[skipped:]
    if end == 0 and (len(rest) >= MAX_ROW_BYTES or not first_row(rest + b"\n", sign or DELIMITERS)):
        raise TableError(f"{path.name}, line {count_lines(data[:skipped]) + 1}: {OPEN_QUOTE}")
    if not rest.strip():
        raise TableError(f"{path.name} is empty")
    end = end or len(rest)
    return _Start(data[:skipped], sign, rest[:end], rest[end : end + START_BYTES])


def _is_beyond(above: tuple[int, str | None] | None, data: bytes) -> bool:
    """Whether `data` reaches so far that nothing above the header can be cut off by its end."""
    return above is not None and (b"\n" in data[above[0] :] or b"\r" in data[above[0] : -1])


def _above(data: bytes, skip_rows: int) -> tuple[int, str | None] | None:
    """The bytes above the header, and the delimiter that they name; None where `data` ends before."""
    mark = len(BOM) * data.startswith(BOM)
    lines = re.compile(_LINES % skip_rows).match(data, mark)
    if lines is None:
        return None
    end = _without_blank_lines(data, lines.end())
    separator = _SEPARATOR.match(data, end)
    if separator is None:
        return end, None
    sign = separator["sign"].decode("latin-1") or "\t"
    if sign not in DELIMITERS:
        return end, None
    return _without_blank_lines(data, separator.end()), sign


def _without_blank_lines(data: bytes, start: int) -> int:
    return len(data) - len(data[start:].lstrip(b"\r\n"))


def _refuse_title(path: Path, start: _Start, names: Sequence[str]) -> None:
    """Raise TableError where the header has one cell, or blank ones, and a line below looks like a header."""
    if len(names) > 1 and all(name.strip() for name in names[1:]):
        return
    text = (start.header + start.below).decode(errors="replace")
    above = count_lines(start.skipped)
    lines = [line for sign in start.sign or DELIMITERS if (line := _header_line(text, sign, len(names)))]
    if lines:
        line = min(lines)
        raise TableError(
            f"{path.name}: line {above + 1} looks like a title, and line {above + line} like the header: "
            f"--skip-rows {above + line - 1} takes it"
        )


def _header_line(text: str, sign: str, width: int) -> int | None:
    """The line, from 1, of a row of texts that names at least as many columns as the rows below have."""
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        line = 1
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((line, row))
            line = reader.line_num + 1
            if len(rows) == _TITLE_LINES + _ROWS_BELOW:
                break
    except csv.Error:
        return None
    for index, (line, row) in enumerate(rows[1:_TITLE_LINES], start=1):
        below = [one for _, one in rows[index + 1 : index + 1 + _ROWS_BELOW]]
        if (
            len(row) > 1
            and len(row) >= width
            and below
            and all(len(one) == len(row) for one in below)
            and _are_names(row)
        ):
            return line
    return None


def _are_names(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row]
    return all(cells) and len(set(cells)) == len(cells) and not any(map(is_number, cells))


def _most_cells(header: bytes) -> int:
    """The number of cells of the header with the delimiter that yields most."""
    unquoted = _QUOTED.sub(b"", header) if b'"' in header else header
    return 1 + max(map(unquoted.count, map(str.encode, DELIMITERS)))


def _cells(header: str, delimiter: str) -> list[str]:
    """The cells of the header; empty where this delimiter does not parse it, or a cell exceeds csv's field limit."""
    try:
        return next(csv.reader([header], delimiter=delimiter))
    except csv.Error:
        return []
