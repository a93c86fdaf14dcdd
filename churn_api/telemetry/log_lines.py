"""Builds and writes log lines, in one atomic write each."""

import os
import select
from datetime import UTC, datetime
from typing import Any

import orjson

STDOUT = 1
MAX_BYTES = select.PIPE_BUF
"""The largest write to a pipe that is atomic."""
_CUT = " … "
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def write(line: bytes) -> None:
    """Write a line, including its newline, in one unbuffered call, so that lines of several processes never mix.

    Errors are ignored: a request must not fail because its log line cannot be written.
    """
    try:  # noqa: SIM105 - runs on every request, and suppress() costs three calls
        os.write(STDOUT, line)
    except OSError:
        pass  # nosec B110


def with_header(level: str, event: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that every line has, followed by these fields."""
    return {"timestamp": datetime.now(UTC), "level": level, "event": event, "pid": os.getpid(), **fields}


def as_json(fields: dict[str, Any]) -> bytes:
    """A line of JSON of at most MAX_BYTES; the longest fields are shortened where it would be longer."""
    line = _dumped(fields)
    while len(line) > MAX_BYTES:
        longest = max(fields, key=lambda name: len(str(fields[name])))
        if len(str(fields[longest])) <= len(_CUT):
            break
        fields[longest] = _shortened(str(fields[longest]), len(line) - MAX_BYTES)
        line = _dumped(fields)
    return line


def _dumped(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields, default=str, option=_OPTIONS)
    except TypeError:  # not representable in JSON: lone surrogates, integers beyond 64 bits
        return orjson.dumps({name: _escaped(value) for name, value in fields.items()}, option=_OPTIONS)


def _escaped(value: object) -> str:
    return str(value).encode(errors="backslashreplace").decode()


def _shortened(text: str, surplus: int) -> str:
    """A text with `surplus` characters removed from its middle: the beginning and end of a traceback stay."""
    keep = max(0, len(text) - surplus - len(_CUT) * 2)
    head = keep // 3
    return text[:head] + _CUT + text[len(text) - (keep - head) :]
