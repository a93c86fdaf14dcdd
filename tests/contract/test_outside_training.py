"""Numbers far outside the range that training saw: a warning, or a fault where the signature refuses them."""

import orjson
import pytest
from builders import feature, signature
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.feature_attributes import Observed
from churn_api.contract.record import InvalidRecord
from churn_api.contract.signature import SignatureError

SEEN = Observed(minimum=0, maximum=100)


def reader(**parts):
    dates = Observed(minimum=0, maximum=10)
    return BatchReader(
        signature(
            feature("age", observed=SEEN, **parts),
            feature("fee", "number"),
            feature("since", "date", reference="2026-01-31", observed=dates),
        )
    )


def warnings(record, **parts):
    return [
        (warning.pointer, warning.code, warning.message)
        for warning in reader(**parts).read_one(orjson.dumps(record)).warnings
    ]


@given(st.integers(-10, 110), st.floats(-1e30, 1e30))
def test_near_the_range(age, fee):
    """Within a tenth of the range's width, and for features without a range, there is no warning."""
    assert warnings({"age": age, "fee": fee}) == []


@pytest.mark.parametrize("age", [-11, 111, 1_000_000])
def test_far_outside(age):
    """Beyond it, a warning names the range, alone and in a batch."""
    expected = ("outside-training", "Training saw 0 to 100.")
    assert warnings({"age": age}) == [("#/age", *expected)]
    body = orjson.dumps({"customers": [{"age": 5}, {"age": age}, {}]})
    batch = reader().read_many(body, 10)
    assert [(w.pointer, w.code, w.message) for w in batch.warnings] == [("#/customers/1/age", *expected)]


def test_dates():
    """A date that is far from those of training is named by the dates that training saw."""
    assert warnings({"since": "2026-01-25"}) == []
    assert warnings({"since": "2020-01-01"}) == [
        ("#/since", "outside-training", "Training saw 2026-01-21 to 2026-01-31.")
    ]


@pytest.mark.parametrize(("age", "code"), [(-11, "too-small"), (111, "too-large")])
def test_refused(age, code):
    """Where the signature refuses them, such numbers are faults, and others are read."""
    assert warnings({"age": 110}, outside="refuse") == []
    with pytest.raises(InvalidRecord) as caught:
        warnings({"age": age}, outside="refuse")
    assert [fault.code for fault in caught.value.faults] == [code]


def test_refusing_needs_a_range():
    """A feature without an observed range cannot refuse what lies outside of it."""
    with pytest.raises(SignatureError, match="observed range"):
        feature("age", outside="refuse")


def test_few_of_many():
    """Warnings are bounded, and the rest is counted."""
    body = orjson.dumps({"customers": [{"age": 500}] * 1500})
    batch = reader().read_many(body, 2000)
    assert (len(batch.warnings), batch.more_warnings) == (1000, 500)


def test_booleans():
    """A boolean has no range to be outside of, alone as in a batch."""
    of = BatchReader(signature(feature("b", "boolean", observed=Observed(minimum=0, maximum=0))))
    assert of.read_one(orjson.dumps({"b": True})).warnings == []
    assert of.read_many(orjson.dumps({"customers": [{"b": True}]}), 5).warnings == []


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(5, 1, "integer"), (0, 1e9, "date"), (float("nan"), 1, "number"), (0, float("inf"), "number")],
)
def test_ranges_that_are_none(low, high, kind):
    """An observed range that is none, or of dates that no calendar has, is refused with the signature."""
    parts = {"reference": "2026-01-31"} if kind == "date" else {}
    with pytest.raises(SignatureError, match="observed"):
        feature("x", kind, observed=Observed(minimum=low, maximum=high), **parts)


@pytest.mark.parametrize("choices", [(1.0, 2.0), (1, 2**63)])
def test_choices_that_are_no_literals(choices):
    """Choices of an integer that are written with a fraction, or beyond 64 bits, are read like others."""
    of = BatchReader(signature(feature("plan", choices=choices)))
    assert of.read_one(b'{"plan": 1}').columns.numbers.tolist() == [[1]]


@given(st.lists(st.integers(-50, 150) | st.none(), min_size=1, max_size=20))
def test_counts_are_the_warnings(ages):
    """The numbers by feature are those of the warnings."""
    body = orjson.dumps({"customers": [{"age": age} for age in ages]})
    of_model = reader()
    batch = of_model.read_many(body, 20)
    counts = of_model.outside_training.counts(batch.columns)
    assert counts == ({"age": len(batch.warnings)} if batch.warnings else {})
