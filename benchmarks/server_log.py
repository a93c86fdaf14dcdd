"""What a server's log says went wrong: its lines of errors, every traceback, and what it repeats of a request."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks.naughty import CANARY

ERRORS = ("error", "critical")
TRACEBACK = b"Traceback (most recent call last)"
LONGEST = 100
KEPT = 1000


class LogFaults(NamedTuple):
    """How often each kind of line came that a sound server does not write, and the first of those lines."""

    counts: Counter[str]
    lines: list[bytes]


def log_faults(log: Path) -> LogFaults:
    """Read the log of a server that writes JSON; what is no JSON, Python or a library printed."""
    faults = LogFaults(Counter(), [])
    with log.open("rb") as lines:
        for line in lines:
            fault = _fault(line)
            if fault:
                faults.counts[fault] += 1
                if len(faults.lines) < KEPT:
                    faults.lines.append(line)
    return faults


def _fault(line: bytes) -> str:
    """What is wrong with a line, in words that are the program's own; empty where nothing is."""
    if CANARY in line:
        return "an echo of what was sent"
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "a traceback outside the log" if TRACEBACK in line else ""
    if fields["level"] in ERRORS:
        return f"{fields['level']}: {_event(fields)}"
    return f"a traceback: {_event(fields)}" if TRACEBACK in line else ""


def _event(fields: Mapping[str, Any]) -> str:
    """What happened, without the numbers that differ each time, and the type of the exception where there is one."""
    event = re.sub(r"\d+", "N", str(fields["event"]))[:LONGEST]
    exception = str(fields.get("exception", "")).rpartition("\n")[2].partition(":")[0]
    return f"{event} ({exception[:LONGEST]})" if exception else event
