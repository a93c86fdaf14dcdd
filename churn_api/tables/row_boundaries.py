"""Where the rows of a text end: newlines inside quotes end none.

A quote opens at the start of a cell alone, and closes at the next quote that is not doubled; anywhere else it is a
character like others. Rows end in a line feed, in a carriage return, or in both.
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
"""Bytes; a longer row is none, but a quote that is never closed."""

OPEN_QUOTE = "a quote is opened and never closed"

_QUOTE, _LF, _CR = b'"\n\r'
_NEWLINES = re.compile(rb"[\r\n]*+")
_BLANK = re.compile(rb"(?:\n|\r(?!\Z))*+")
"""Blank lines. A carriage return that is the last byte ends none: a line feed may follow."""

PIECE_BYTES = 1 << 18
"""Bytes that are looked at at once: what stands where takes eight times as many."""


class _Piece(NamedTuple):
    """Where lines end in some bytes of a text."""

    start: int
    stop: int
    ends: NDArray[np.int64]
    """The last byte of each line, inside quotes or not."""


class _MisplacedQuote(Exception):
    """A quote that neither opens nor closes a cell."""


def whole_rows(data: bytes, delimiter: str) -> int:
    """How many bytes of `data`, which begins with a row, are whole rows."""
    if b'"' not in data:
        end = data.rfind(b"\n") + 1
        if end:
            return end
    try:
        return max((int(ends[-1]) for ends in _row_ends(data, delimiter) if ends.size), default=0)
    except _MisplacedQuote:
        return _whole_one_by_one(data, delimiter)


def row_starts(data: bytes, delimiter: str) -> NDArray[np.int64]:
    """The byte with which each row of `data` begins, but for blank ones."""
    text = np.frombuffer(data, np.uint8)
    try:
        starts = chain([np.zeros(1, np.int64)], _row_ends(data, delimiter))
        return np.concatenate([_not_blank(text, some) for some in starts])
    except _MisplacedQuote:
        return np.array(_starts_one_by_one(data, delimiter), np.int64)


def next_row(data: bytes, start: int, delimiter: str) -> int:
    """Where the row ends that is the first after `start` that is not blank; 0 where there is none."""
    return _end(_next_pattern(delimiter).match(data, start))


def first_row(data: bytes, delimiters: str) -> int:
    """How many bytes the first row of `data` has, whichever the delimiter is; 0 where it does not end."""
    return _end(_row_pattern(delimiters).match(data))


def count_lines(data: bytes) -> int:
    """The lines of `data`; a last one without an ending counts."""
    unended = bool(data) and not data.endswith((b"\n", b"\r"))
    lines = int(np.count_nonzero(np.frombuffer(data, np.uint8) == _LF)) + unended
    return lines + data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else lines


def lines_before(data: bytes, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many lines of `data` end before each of these bytes, which ascend."""
    counts, lines = [np.empty(0, np.int64)], 0
    for piece in _line_ends(np.frombuffer(data, np.uint8)):
        first, last = np.searchsorted(places, (piece.start, piece.stop))
        counts.append(lines + np.searchsorted(piece.ends, places[first:last]))
        lines += len(piece.ends)
    return np.concatenate(counts)


def line_at(path: Path, place: int) -> int:
    """The number, from 1, of the line in which byte `place` of a file stands."""
    lines = 1
    with path.open("rb") as file:
        while place > 0 and (piece := file.read(min(PIECE_BYTES, place))):
            lines += piece.count(b"\n")
            place -= len(piece)
    return lines


def _line_ends(text: NDArray[np.uint8]) -> Iterator[_Piece]:
    """Lines end in a line feed, or in a carriage return that none follows; in a last one they may not have ended."""
    for start in range(0, len(text), PIECE_BYTES):
        some = text[start : start + PIECE_BYTES + 1]
        ends = some == _LF
        ends[:-1] |= (some[:-1] == _CR) & ~ends[1:]
        yield _Piece(start, start + PIECE_BYTES, np.flatnonzero(ends[:PIECE_BYTES]) + start)


def _row_ends(data: bytes, delimiter: str) -> Iterator[NDArray[np.int64]]:
    """The byte after each row of `data` that ends in it, blank lines being rows too. Raises _MisplacedQuote.

    Rows end where an even number of quotes went before. Both quotes of a doubled one are taken for a closing and an
    opening one, which changes no parity.
    """
    text, opened = np.frombuffer(data, np.uint8), 0
    for piece in _line_ends(text):
        quotes = np.flatnonzero(text[piece.start : piece.stop] == _QUOTE) + piece.start
        _check_places(text, quotes[opened::2], quotes[1 - opened :: 2], delimiter)
        yield piece.ends[np.searchsorted(quotes, piece.ends) & 1 == opened] + 1
        opened ^= len(quotes) & 1


def _check_places(
    text: NDArray[np.uint8], opening: NDArray[np.int64], closing: NDArray[np.int64], delimiter: str
) -> None:
    """Raise _MisplacedQuote unless before and after quotes stands what stands beside a cell, or a quote."""
    beside = np.concatenate([opening[opening > 0] - 1, closing[closing < len(text) - 1] + 1])
    if not _beside(delimiter)[text[beside]].all():
        raise _MisplacedQuote


def _not_blank(text: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the bytes with which rows begin those with which one does that is not blank."""
    starts = starts[starts < len(text)]
    first = text[starts]
    rows: NDArray[np.int64] = starts[(first != _LF) & (first != _CR)]
    return rows


def _starts_one_by_one(data: bytes, delimiter: str) -> list[int]:
    """The same as `row_starts` for any text, slowly."""
    row, starts, end = _next_pattern(delimiter), [], 0
    while match := row.match(data, end):
        starts.append(match.start("row"))
        end = match.end()
    rest = _end(_NEWLINES.match(data, end))
    # One that begins with a quote which is never closed is a row too.
    return [*starts, rest] if rest < len(data) and (rest > end or end == 0) else starts


def _whole_one_by_one(data: bytes, delimiter: str) -> int:
    """The same as `whole_rows`."""
    last = max(_starts_one_by_one(data, delimiter), default=0)
    end = _end(_row_pattern(delimiter).match(data, last))
    return _end(_BLANK.match(data, end)) if end else last


@cache
def _beside(delimiter: str) -> NDArray[np.bool_]:
    """For each value of a byte, whether it may stand beside the quotes of a cell."""
    return np.isin(np.arange(256), [ord(delimiter), _QUOTE, _LF, _CR])


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0


@cache
def _row_pattern(delimiters: str) -> re.Pattern[bytes]:
    """One row with its ending, which a carriage return that is the last byte is not, as above."""
    return re.compile(b"(?:" + _pieces(delimiters) + rb")*+(?:\r?\n|\r(?=[^\n]))")


@cache
def _next_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Blank lines, and then a row, with its ending or without."""
    return re.compile(rb"[\r\n]*+(?P<row>(?:" + _pieces(delimiter) + b")++)")


def _pieces(delimiters: str) -> bytes:
    """What a row consists of, but for its ending."""
    other = b"[^" + re.escape(delimiters).encode() + rb"\r\n]"
    quoted = b"(?<!" + other + rb')"(?:[^"]++|"")*+"'
    literal = b"(?<=" + other + b')"'
    return b"|".join([rb'[^"\r\n]++', quoted, literal])
