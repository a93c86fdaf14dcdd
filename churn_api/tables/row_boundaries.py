"""Where the rows of a text end: newlines inside quotes end none.

A quote opens at the start of a cell alone, and closes at the next quote that is not doubled; anywhere else it is a
character like others. Rows end in a line feed, in a carriage return, or in both.
"""

import re
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_ROW_BYTES = 1 << 26
"""Bytes; a longer row is none, but a quote that is never closed."""

OPEN_QUOTE = "a quote is opened and never closed"

_QUOTE, _LF, _CR = b'"\n\r'
_PIECE = 1 << 22


def whole_rows(data: bytes, delimiter: str) -> int:
    """How many bytes of `data`, which begins with a row, are whole rows."""
    if b'"' not in data:
        end = data.rfind(b"\n") + 1
        if end:
            return end
    ends = row_ends(data, delimiter)
    return int(ends[-1]) if ends.size else 0


def next_row(data: bytes, start: int, delimiter: str) -> int:
    """Where the row ends that is the first after `start` that is not blank; 0 where there is none."""
    return _end(_next_pattern(delimiter).match(data, start))


def first_row(data: bytes, delimiters: str) -> int:
    """How many bytes the first row of `data` has, whichever the delimiter is; 0 where it does not end."""
    return _end(_row_pattern(delimiters).match(data))


def row_ends(data: bytes, delimiter: str) -> NDArray[np.int64]:
    """The byte after each row of `data` that ends in it, blank lines being rows too."""
    if b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"):
        ends = _ends_by_parity(data, delimiter)
        if ends is not None:
            return ends
    return _ends_one_by_one(data, delimiter)


def count_lines(data: bytes) -> int:
    """The lines of `data`; a last one without an ending counts."""
    unended = bool(data) and not data.endswith((b"\n", b"\r"))
    return int(np.count_nonzero(_ends_line(data))) + unended


def line_ends(data: bytes) -> NDArray[np.int64]:
    """The last byte of each line that ends in `data`, inside quotes or not."""
    return np.flatnonzero(_ends_line(data))


def _ends_line(data: bytes) -> NDArray[np.bool_]:
    """For each byte, whether a line ends with it: a line feed, or a carriage return that none follows."""
    text = np.frombuffer(data, np.uint8)
    ends: NDArray[np.bool_] = text == _LF
    if b"\r" in data:
        returns = text == _CR
        returns[:-1] &= ~ends[1:]
        ends |= returns
    return ends


def line_at(path: Path, place: int) -> int:
    """The number, from 1, of the line in which byte `place` of a file stands."""
    lines = 1
    with path.open("rb") as file:
        while place > 0 and (piece := file.read(min(_PIECE, place))):
            lines += piece.count(b"\n")
            place -= len(piece)
    return lines


def _ends_by_parity(data: bytes, delimiter: str) -> NDArray[np.int64] | None:
    """Rows end where an even number of quotes went before; None where a quote stands where it neither opens nor closes.

    Both quotes of a doubled one are taken for a closing and an opening one, which changes no parity.
    """
    text = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(text == _LF)
    if b'"' in data:
        quotes = np.flatnonzero(text == _QUOTE)
        if not _well_placed(text, quotes, delimiter):
            return None
        newlines = newlines[np.searchsorted(quotes, newlines) & 1 == 0]
    return newlines + 1


def _well_placed(text: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: str) -> bool:
    """Whether each other quote follows, and the ones between precede, what stands beside a cell, or a quote."""
    beside = np.ones(len(text) + 2, bool)
    beside[1:-1] = (text == ord(delimiter)) | (text == _QUOTE) | (text == _LF) | (text == _CR)
    before, after = beside[:-2], beside[2:]
    return bool(before[quotes[0::2]].all() and after[quotes[1::2]].all())


def _ends_one_by_one(data: bytes, delimiter: str) -> NDArray[np.int64]:
    """The same for any text, slowly."""
    row, ends, end = _row_pattern(delimiter), [], 0
    while match := row.match(data, end):
        end = match.end()
        ends.append(end)
    return np.array(ends, np.int64)


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0


@cache
def _row_pattern(delimiters: str) -> re.Pattern[bytes]:
    """One row with its ending. A carriage return that is the last byte ends none: a line feed may follow."""
    return re.compile(b"(?:" + _pieces(delimiters) + rb")*+(?:\r?\n|\r(?=[^\n]))")


@cache
def _next_pattern(delimiter: str) -> re.Pattern[bytes]:
    """Blank lines, and then a row, with its ending or without."""
    return re.compile(rb"[\r\n]*+(?:" + _pieces(delimiter) + b")++")


def _pieces(delimiters: str) -> bytes:
    """What a row consists of, but for its ending."""
    other = b"[^" + re.escape(delimiters).encode() + rb"\r\n]"
    quoted = b"(?<!" + other + rb')"(?:[^"]++|"")*+"'
    literal = b"(?<=" + other + b')"'
    return b"|".join([rb'[^"\r\n]++', quoted, literal])
