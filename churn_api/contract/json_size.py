"""Counts the values of a JSON text without decoding them: a parser's objects take many times more memory.

Only bytes outside strings count. Text that is not JSON gets a count too; the parser rejects it later.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_OBJECT = re.compile(rb"[ \t\r\n]*+\{")
MAX_DEPTH = 1024
"""Nesting depth at which orjson stops."""
_PIECE = 1 << 18
_QUOTE, _COMMA, _BRACE = b'",{'
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_COUNTED = np.zeros(256, np.uint8)
_COUNTED[list(b",[{")] = 1
_IN_OBJECT, _IN_LIST = 1, 2
"""The depth of the outermost object's members, and the depth of values in a list that is such a member."""


def has_more_values(text: bytes, most: int) -> bool:
    """Whether a text has more than `most` values before it is nested too deeply; names of members do not count.

    An empty list or object counts twice.
    """
    # A cheap upper bound first: it includes commas and brackets inside strings.
    if sum(map(text.count, (b",", b"[", b"{"))) < most:
        return False
    count, depth = 1, 0
    for piece in _outside_strings(text):
        depths = depth + np.cumsum(_STEPS[piece], dtype=np.int32)
        parsed = piece[: int(np.argmax(depths > MAX_DEPTH))] if depths.max() > MAX_DEPTH else piece
        count += int(_COUNTED[parsed].sum())
        if count > most:
            return True
        if parsed.size < piece.size:
            return False
        depth = int(depths[-1])
    return False


def may_have_longer_list(text: bytes, most: int) -> bool:
    """Whether a text has enough opening braces for lists of more than `most` objects: a cheap first check."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _BRACE)) > most + 1


def has_longer_list(text: bytes, most: int) -> bool:
    """Whether the lists that are members of the outermost object have more than `most` values together."""
    return _has_more(text, _IN_LIST, most)


def has_more_members(text: bytes, most: int) -> bool:
    """Whether the outermost object has more than `most` members."""
    return text.count(b",") >= most and _has_more(text, _IN_OBJECT, most)


def _has_more(text: bytes, wanted: int, most: int) -> bool:
    """Whether more than `most` values are at depth `wanted` below the outermost object."""
    if not _OBJECT.match(text):
        return False
    depth, count = 0, 1
    for piece in _outside_strings(text):
        depths = depth + np.cumsum(_STEPS[piece], dtype=np.int32)
        count += int(((depths == wanted) & (piece == _COMMA)).sum())
        if count > most:
            return True
        depth = int(depths[-1])
    return False


def _outside_strings(text: bytes) -> Iterator[NDArray[np.uint8]]:
    """The bytes outside strings, in pieces, quotes included."""
    if b"\\" in text:
        # Escaped backslashes go first, from the left: a backslash that remains escapes the next character.
        text = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    inside = 0
    for start in range(0, len(text), _PIECE):
        piece = np.frombuffer(text, np.uint8, min(_PIECE, len(text) - start), start)
        parity = np.bitwise_xor.accumulate((piece == _QUOTE).astype(np.uint8)) ^ inside
        inside = int(parity[-1])
        outside = piece[parity == 0]
        if outside.size:
            yield outside
