"""A line of the log: what it is made of, how long it may be, and how it is written so that it stays in one piece."""

import os
import select
from datetime import UTC, datetime
from typing import Any

import orjson

STDOUT = 1
LONGEST = select.PIPE_BUF
"""Bytes that a pipe takes in one piece, whoever else writes to it at the same moment."""
_CUT = " … "


class Stdout:
    """Writes each line with one call, past every buffer: lines of many processes then never mix.

    A line that cannot be written is lost; what it tells of must not fail for that.
    """

    def write(self, line: bytes) -> None:
        """Write a line that ends with its newline."""
        try:
            os.write(STDOUT, line)
        except OSError:
            return

    debug = info = warning = error = critical = write


def headed(_: Any, level: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with those before them that every line has."""
    head = {"timestamp": datetime.now(UTC), "level": level, "event": fields.pop("event"), "pid": os.getpid()}
    head.update(fields)
    return head


def as_json(_: Any, level: str, fields: dict[str, Any]) -> bytes:
    """A line of JSON that any pipe takes in one piece; where it would be longer, its longest fields are cut."""
    line = _dumped(fields)
    while len(line) > LONGEST:
        longest = max(fields, key=lambda name: len(str(fields[name])))
        if len(str(fields[longest])) <= len(_CUT):
            break
        fields[longest] = _shortened(str(fields[longest]), len(line) - LONGEST)
        line = _dumped(fields)
    return line


def _dumped(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _shortened(text: str, surplus: int) -> str:
    """A text without so many characters of its middle: what a failure began with and ended in stays."""
    keep = max(0, len(text) - surplus - len(_CUT) * 2)
    head = keep // 3
    return text[:head] + _CUT + text[len(text) - (keep - head) :]
