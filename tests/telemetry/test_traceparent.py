"""The header `traceparent` of W3C Trace Context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.telemetry.traceparent import read_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def hexadecimal(digits):
    return st.integers(1, 16**digits - 1).map(lambda number: f"{number:0{digits}x}")


@given(hexadecimal(32), hexadecimal(16), st.integers(0, 255))
def test_well_formed(trace_id, parent_id, flags):
    """Every well-formed header is read: its ids, and whether the caller records the trace."""
    trace = read_traceparent(f"00-{trace_id}-{parent_id}-{flags:02x}")
    assert (trace.trace_id, trace.parent_id, trace.sampled) == (trace_id, parent_id, flags % 2 == 1)
    assert trace.span_id is None


@given(st.text(max_size=60) | st.text("0123456789abcdefABCDEF-", min_size=50, max_size=60))
def test_anything_else(header):
    """What is read says no more than it was: any header is either one in the form, or nothing."""
    trace = read_traceparent(header)
    if trace is not None:
        assert header.startswith(f"00-{trace.trace_id}-{trace.parent_id}-")
        assert (len(header), header) == (55, header.lower())


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"01-{TRACE}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
    ],
)
def test_not_well_formed(header):
    """A header that is not in the form, or whose ids are all zero, says nothing."""
    assert read_traceparent(header) is None
