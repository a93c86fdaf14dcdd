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
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def write(line: bytes) -> None:
    """Write a line, which ends with its newline, by one call and past every buffer: lines of many processes never mix.

    One that cannot be written is lost; what it tells of must not fail for that.
    """
    try:  # noqa: SIM105 - every request comes here, and suppress() is three calls
        os.write(STDOUT, line)
    except OSError:
        pass  # nosec B110


def with_header(level: str, event: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with those before them that every line has."""
    return {"timestamp": datetime.now(UTC), "level": level, "event": event, "pid": os.getpid(), **fields}


def as_json(fields: dict[str, Any]) -> bytes:
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
    try:
        return orjson.dumps(fields, default=str, option=_OPTIONS)
    except TypeError:  # what JSON cannot hold: half a character, a number beyond 64 bits
        return orjson.dumps({name: _harmless(value) for name, value in fields.items()}, option=_OPTIONS)


def _harmless(value: object) -> str:
    return str(value).encode(errors="backslashreplace").decode()


def _shortened(text: str, surplus: int) -> str:
    """A text without so many characters of its middle: what a failure began with and ended in stays."""
    keep = max(0, len(text) - surplus - len(_CUT) * 2)
    head = keep // 3
    return text[:head] + _CUT + text[len(text) - (keep - head) :]
