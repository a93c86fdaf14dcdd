"""Which versions may take part in an experiment: those that read whatever the live version reads."""

import numpy as np
import orjson
import pytest
from builders import feature, signature
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.feature_attributes import Observed
from churn_api.contract.reading_differences import reading_differences
from churn_api.contract.record import InvalidRecord

PLAN = feature("plan", "string", choices=("a", "b"))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (feature(), feature(description="in months", observed=Observed(minimum=0, maximum=9))),
        (feature(required=True, nullable=False), feature()),
        (feature(minimum=0, maximum=10), feature(minimum=-1)),
        (PLAN, feature("plan", "string", choices=("b", "c", "a"))),
        (PLAN, feature("plan", "string", choices=("z",), unseen="accept")),
        (PLAN, feature("plan", "string")),
        (feature("note", "string", max_length=10), feature("note", "string", max_length=20)),
    ],
)
def test_reads_as_much_or_more(mine, theirs):
    """A challenger may accept more than the live version, and describe its features in other words."""
    assert reading_differences(signature(mine), signature(theirs)) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        (feature(), feature("age"), "the same features"),
        (feature(), feature(type="number"), "'tenure' has another type"),
        (feature(), feature(required=True), "'tenure' is required"),
        (feature(), feature(nullable=False), "'tenure' is required"),
        (feature(), feature(maximum=10), "'tenure' has a narrower range"),
        (feature(), feature(outside="refuse", observed=Observed(minimum=0, maximum=9)), "narrower range"),
        (PLAN, feature("plan", "string", choices=("a",)), "'plan' does not accept every value"),
        (feature("plan", "string"), PLAN, "'plan' does not accept every value"),
        (feature("plan", "string", choices=("a",), unseen="accept"), PLAN, "'plan' does not accept every value"),
        (
            feature("x", "boolean", labels=("Yes", "No")),
            feature("x", "boolean", labels=("No", "Yes")),
            "another labels",
        ),
        (
            feature("since", "date", reference="2026-01-01"),
            feature("since", "date", reference="2026-02-01"),
            "another reference",
        ),
    ],
)
def test_does_not_read_alike(mine, theirs, words):
    """A challenger that would refuse a record, or read it as something else, is refused in words that say why."""
    assert any(words in difference for difference in reading_differences(signature(mine), signature(theirs)))


def test_another_identifier():
    """A challenger whose customers are named by another column is refused."""
    assert reading_differences(signature(), signature(identifier="id")) == ["its identifier has another name"]


NUMBERS = st.builds(
    lambda low, high, required, nullable: feature(
        "x",
        "number",
        minimum=low,
        maximum=None if high is None else (low or 0) + high,
        required=required,
        nullable=nullable,
    ),
    st.none() | st.integers(-3, 3),
    st.none() | st.integers(0, 5),
    st.booleans(),
    st.booleans(),
)
TEXTS = st.builds(
    lambda choices, unseen: feature("t", "string", choices=tuple(sorted(choices)), unseen=unseen),
    st.sets(st.sampled_from("abcd"), min_size=1),
    st.sampled_from(["refuse", "accept"]),
)


@given(
    NUMBERS, NUMBERS, TEXTS, TEXTS, st.none() | st.integers(-5, 9), st.none() | st.sampled_from("abcde"), st.booleans()
)
def test_what_one_reads_the_other_reads(number, other_number, text, other_text, x, t, sent):
    """Where two signatures read alike, every record that the first accepts is the same columns for the second."""
    mine, theirs = signature(number, text), signature(other_number, other_text)
    if reading_differences(mine, theirs):
        return
    body = orjson.dumps({"x": x, "t": t} if sent else {"t": t})
    try:
        columns = BatchReader(mine).read_one(body).columns
    except InvalidRecord:
        return
    others = BatchReader(theirs).read_one(body).columns
    assert np.array_equal(columns.numbers, others.numbers, equal_nan=True)
    assert columns.texts.tolist() == others.texts.tolist()
