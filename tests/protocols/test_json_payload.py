"""JSON in which NaN stands for a gap, as pandas and Triton's client write it."""

import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.web.protocols.shared.json_payload import without_nan

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_infinity=False) | st.text('NaN"\\, ü'),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text('NaN"\\'), children, max_size=3),
    max_leaves=8,
)


def without_gaps(value):
    if isinstance(value, list):
        return [without_gaps(one) for one in value]
    if isinstance(value, dict):
        return {name: without_gaps(one) for name, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


@given(VALUES)
def test_any_json(value):
    """What Python writes with NaN is read with null in its place, and every text as it is."""
    assert orjson.loads(without_nan(json.dumps(value, ensure_ascii=False).encode(), 100)) == without_gaps(value)


@given(st.binary() | st.text('NaN"\\[],').map(str.encode))
def test_any_bytes(body):
    """Other bytes stay as they are, and what is no JSON does not become JSON."""
    changed = without_nan(body, 100)
    assert changed.replace(b"null", b"NaN") == body.replace(b"null", b"NaN")
    try:
        expected = json.loads(body)
    except ValueError:
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(changed)
    else:
        assert orjson.loads(changed) == without_gaps(expected)


@pytest.mark.parametrize("body", [b"NaN " * 300_000, b'"' * 1_000_001 + b"NaN", b'[NaN,"' + b"x" * 1_000_000])
def test_long_bodies_that_are_no_json(body):
    """Bodies that are made to be slow to search are no JSON."""
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(without_nan(body, 1000))
