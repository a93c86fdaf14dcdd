"""Finds the ends of CSV rows; a newline inside quotes does not end a row.

A quote opens only at the start of a cell, and closes at the next quote that is not doubled; anywhere else it is an
ordinary character. Rows end in a line feed, a carriage return, or both.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_ROW_BYTES = 1 << 26
"""A longer row counts as a quote that is never closed."""

OPEN_QUOTE = "a quote is opened and never closed"

_QUOTE, _LF, _CR = b'"\n\r'
_NEWLINES = re.compile(rb"[\r\n]*+")
_BLANK = re.compile(rb"(?:\n|\r(?!\Z))*+")
"""Blank lines. A carriage return as the last byte does not end a line, since a line feed may follow."""

PIECE_BYTES = 1 << 18
"""Bytes scanned at a time: the positions found take eight times as many bytes."""


class _Piece(NamedTuple):
    """The ends of lines in a range of a text."""

    start: int
    stop: int
    ends: NDArray[np.int64]
    """The last byte of each line, inside quotes or not."""


class _MisplacedQuote(Exception):
    """A quote that neither opens nor closes a cell."""


def complete_rows_size(data: bytes, delimiter: str) -> int:
    """How many bytes of `data`, which begins with a row, form complete rows."""
    if b'"' not in data:
        end = data.rfind(b"\n") + 1
        if end:
            return end
    try:
        return max((int(ends[-1]) for ends in _row_ends(data, delimiter) if ends.size), default=0)
    except _MisplacedQuote:
        return _complete_size_by_regex(data, delimiter)


def row_starts(data: bytes, delimiter: str) -> NDArray[np.int64]:
    """The offset of the first byte of each nonblank row of `data`."""
    text = np.frombuffer(data, np.uint8)
    try:
        starts = chain([np.zeros(1, np.int64)], _row_ends(data, delimiter))
        return np.concatenate([_not_blank(text, part) for part in starts])
    except _MisplacedQuote:
        return np.array(_starts_by_regex(data, delimiter), np.int64)


def next_row(data: bytes, start: int, delimiter: str) -> int:
    """The end of the first nonblank row after `start`; 0 where there is none."""
    return _end(_next_pattern(delimiter).match(data, start))


def first_row(data: bytes, delimiters: str) -> int:
    """The size in bytes of the first row of `data`, for any of the delimiters; 0 where it does not end."""
    return _end(_row_pattern(delimiters).match(data))


def count_lines(data: bytes) -> int:
    """The number of lines of `data`; a last line without an ending counts."""
    unended = bool(data) and not data.endswith((b"\n", b"\r"))
    lines = int(np.count_nonzero(np.frombuffer(data, np.uint8) == _LF)) + unended
    return lines + data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else lines


def lines_before(data: bytes, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many lines of `data` end before each of these ascending offsets; same shape as `offsets`."""
    counts, lines = [np.empty(0, np.int64)], 0
    for piece in _line_ends(np.frombuffer(data, np.uint8)):
        first, last = np.searchsorted(offsets, (piece.start, piece.stop))
        counts.append(lines + np.searchsorted(piece.ends, offsets[first:last]))
        lines += len(piece.ends)
    return np.concatenate(counts)


def line_at(path: Path, offset: int) -> int:
    """The number, from 1, of the line that contains byte `offset` of a file."""
    lines = 1
    with path.open("rb") as file:
        while offset > 0 and (piece := file.read(min(PIECE_BYTES, offset))):
            lines += piece.count(b"\n")
            offset -= len(piece)
    return lines


def _line_ends(text: NDArray[np.uint8]) -> Iterator[_Piece]:
    """Lines end in a line feed or a carriage return, or both; a carriage return as the last byte does not count."""
    for start in range(0, len(text), PIECE_BYTES):
        piece = text[start : start + PIECE_BYTES + 1]
        ends = piece == _LF
        ends[:-1] |= (piece[:-1] == _CR) & ~ends[1:]
        yield _Piece(start, start + PIECE_BYTES, np.flatnonzero(ends[:PIECE_BYTES]) + start)


def _row_ends(data: bytes, delimiter: str) -> Iterator[NDArray[np.int64]]:
    """The offset after each complete row of `data`, blank lines included. Raises _MisplacedQuote.

    A row ends at a newline after an even number of quotes. A doubled quote counts as a closing and an opening quote,
    which leaves the parity unchanged.
    """
    text, opened = np.frombuffer(data, np.uint8), 0
    for piece in _line_ends(text):
        quotes = np.flatnonzero(text[piece.start : piece.stop] == _QUOTE) + piece.start
        _check_quote_positions(text, quotes[opened::2], quotes[1 - opened :: 2], delimiter)
        yield piece.ends[np.searchsorted(quotes, piece.ends) & 1 == opened] + 1
        opened ^= len(quotes) & 1


def _check_quote_positions(
    text: NDArray[np.uint8], opening: NDArray[np.int64], closing: NDArray[np.int64], delimiter: str
) -> None:
    """Raise _MisplacedQuote where a quote's neighbour is neither a delimiter, a newline nor a quote."""
    neighbours = np.concatenate([opening[opening > 0] - 1, closing[closing < len(text) - 1] + 1])
    if not _may_adjoin_quotes(delimiter)[text[neighbours]].all():
        raise _MisplacedQuote


def _not_blank(text: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The starts of rows that are not blank."""
    starts = starts[starts < len(text)]
    first = text[starts]
    rows: NDArray[np.int64] = starts[(first != _LF) & (first != _CR)]
    return rows


def _starts_by_regex(data: bytes, delimiter: str) -> list[int]:
    """`row_starts` for text with misplaced quotes, slowly."""
    row, starts, end = _next_pattern(delimiter), [], 0
    while match := row.match(data, end):
        starts.append(match.start("row"))
        end = match.end()
    rest = _end(_NEWLINES.match(data, end))
    # A row that begins with a quote that is never closed counts too.
    return [*starts, rest] if rest < len(data) and (rest > end or end == 0) else starts


def _complete_size_by_regex(data: bytes, delimiter: str) -> int:
    """`complete_rows_size` for text with misplaced quotes, slowly."""
    last = max(_starts_by_regex(data, delimiter), default=0)
    end = _end(_row_pattern(delimiter).match(data, last))
    return _end(_BLANK.match(data, end)) if end else last


@cache
def _may_adjoin_quotes(delimiter: str) -> NDArray[np.bool_]:
    """Shape (256,): for each byte value, whether it may adjoin the quotes of a cell."""
    return np.isin(np.arange(256), [ord(delimiter), _QUOTE, _LF, _CR])


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0


@cache
def _row_pattern(delimiters: str) -> re.Pattern[bytes]:
    """One row with its ending; a carriage return as the last byte is not an ending, as above."""
    return re.compile(b"(?:" + _pieces(delimiters) + rb")*+(?:\r?\n|\r(?=[^\n]))")


@cache
def _next_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Blank lines, then a row with or without its ending."""
    return re.compile(rb"[\r\n]*+(?P<row>(?:" + _pieces(delimiter) + b")++)")


def _pieces(delimiters: str) -> bytes:
    """The pattern of the content of a row, without its ending."""
    other = b"[^" + re.escape(delimiters).encode() + rb"\r\n]"
    quoted = b"(?<!" + other + rb')"(?:[^"]++|"")*+"'
    literal = b"(?<=" + other + b')"'
    return b"|".join([rb'[^"\r\n]++', quoted, literal])
