"""How many values a JSON text holds, counted without decoding any: a parser's objects are many times as large.

What is counted is what stands outside strings. A text that is no JSON has a count too, and a parser to refuse it.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_OBJECT = re.compile(rb"[ \t\r\n]*+\{")
MAX_DEPTH = 1024
"""Of lists and objects in each other: there orjson stops."""
_PIECE = 1 << 18
_QUOTE, _COMMA, _BRACE = b'",{'
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_COUNTED = np.zeros(256, np.uint8)
_COUNTED[list(b",[{")] = 1
_IN_OBJECT, _IN_LIST = 1, 2
"""The depths of the outermost object's members, and of values in a list that is one of them."""


def has_more_values(text: bytes, most: int) -> bool:
    """Whether a text holds more than `most` values before it is nested too deeply, names of members not counted.

    An empty list or object counts twice.
    """
    # Commas inside strings count here too: few enough of all are few enough.
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
    """Whether a text holds so many braces that more than `most` objects may stand in the lists of an outermost one."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == _BRACE)) > most + 1


def has_longer_list(text: bytes, most: int) -> bool:
    """Whether more than `most` values stand in the lists that are members of the outermost object, taken together."""
    return _has_more(text, _IN_LIST, most)


def has_more_members(text: bytes, most: int) -> bool:
    """Whether the outermost object has more than `most` members."""
    return text.count(b",") >= most and _has_more(text, _IN_OBJECT, most)


def _has_more(text: bytes, wanted: int, most: int) -> bool:
    """Whether more than `most` values stand at a depth below the outermost object."""
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
    """The bytes outside strings, piece by piece; quotes are among them."""
    if b"\\" in text:
        # Pairs go from the left, so that a backslash that is left escapes what follows it.
        text = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    inside = 0
    for start in range(0, len(text), _PIECE):
        piece = np.frombuffer(text, np.uint8, min(_PIECE, len(text) - start), start)
        parity = np.bitwise_xor.accumulate((piece == _QUOTE).astype(np.uint8)) ^ inside
        inside = int(parity[-1])
        outside = piece[parity == 0]
        if outside.size:
            yield outside
