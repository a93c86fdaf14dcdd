"""W3C Trace Context: which trace a request belongs to, by the header `traceparent`."""

import re
from typing import NamedTuple

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


class Trace(NamedTuple):
    """The place of a request in a trace, ids in hexadecimal."""

    trace_id: str
    parent_id: str | None
    """The caller's span, where one was sent."""
    span_id: str | None = None
    """The span of this request, where spans are exported."""
    sampled: bool = False
    """Whether the caller records the trace."""


def read_traceparent(header: str) -> Trace | None:
    """What a `traceparent` of version 00 says; None where it is not well-formed."""
    found = _FORM.fullmatch(header)
    if found is None:
        return None
    trace_id, parent_id, flags = found.groups()
    return Trace(trace_id, parent_id, sampled=bool(int(flags, 16) & _SAMPLED))
