"""Dates: ISO 8601 in records, days before a reference in models."""

from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from builders import feature, signature
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.dates import day_of, days_before, parse_iso
from churn_api.contract.record import InvalidRecord
from churn_api.contract.signature import SignatureError

REFERENCE = date(2026, 1, 31)
READER = BatchReader(signature(feature("since", "date", reference="2026-01-31")))


def days(text):
    return READER.read_one(orjson.dumps({"since": text})).columns.numbers[0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", 0.0),
        ("2026-01-30", 1.0),
        ("2026-02-01", -1.0),
        ("2026-01-30T12:00:00", 0.5),
        ("2026-01-30 12:00:00.000000000", 0.5),
        ("2026-01-30T12:00Z", 0.5),
        ("2026-01-30T14:00:00+02:00", 0.5),
    ],
)
def test_days_before_the_reference(text, expected):
    """A model takes a date as the days from it to the reference, parts of a day included."""
    assert days(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "31.01.2026",
        "2026-02-30",
        "20260131",
        "2026-W05-6",
        "2026-01-31T25:00",
        "\u0662\u0660\u0662\u0666-01-31",
        "today",
    ],
)
def test_other_texts(text):
    """What is no ISO date is a fault that shows how to write one."""
    with pytest.raises(InvalidRecord) as caught:
        days(text)
    (fault,) = caught.value.faults
    assert (fault.pointer, fault.code, "2026-01-31" in fault.hint) == ("#/since", "wrong-type", True)


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.sampled_from([0, 3, 6, 9]))
def test_every_unit_gives_the_same_days(instant, digits):
    """Whole seconds give the same days, however many digits of a second are written."""
    instant = instant.replace(microsecond=0)
    fraction = f".{'0' * digits}" if digits else ""
    parsed = parse_iso(f"{instant.isoformat()}{fraction}")
    assert parsed == instant.replace(tzinfo=UTC)
    assert days_before(parsed, REFERENCE) * timedelta(days=1) == pytest.approx(
        datetime(2026, 1, 31, tzinfo=UTC) - parsed, abs=timedelta(milliseconds=1)
    )


@given(st.dates())
def test_back_from_days(day):
    """The day that lies so many days before the reference is the one that they were counted from."""
    assert day_of(days_before(day, REFERENCE), REFERENCE) == day


@pytest.mark.parametrize("reference", [None, "", "yesterday", "2026-02-30"])
def test_a_date_needs_a_reference(reference):
    """A signature whose date has no day to count from is refused."""
    with pytest.raises(SignatureError, match="reference"):
        feature("since", "date", reference=reference)
