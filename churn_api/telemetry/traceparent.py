"""W3C Trace Context: which trace a request belongs to, by the header `traceparent`."""

import re
from typing import NamedTuple

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


class Trace(NamedTuple):
    """The position of a request in a trace; ids in hexadecimal."""

    trace_id: str
    parent_id: str | None
    """The caller's span; None where none was sent."""
    span_id: str | None = None
    """The span of this request; None where spans are not exported."""
    sampled: bool = False
    """Whether the caller records the trace."""


def read_traceparent(header: str) -> Trace | None:
    """Parse a `traceparent` header of version 00; None where it is malformed."""
    match = _FORM.fullmatch(header)
    if match is None:
        return None
    trace_id, parent_id, flags = match.groups()
    return Trace(trace_id, parent_id, sampled=bool(int(flags, 16) & _SAMPLED))
