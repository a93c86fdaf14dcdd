"""The fast path accepts, rejects and decodes as record.py does, with far fewer calls of it."""

import math

import numpy as np
import orjson
import pytest
from builders import ODD_NAMES, feature, signature
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import TooManyRows

SIGNATURE = signature(
    feature("tenure", required=True, nullable=False),
    feature("plan", "string", choices=("A", "B"), unseen="accept"),
    feature("partner", "boolean"),
)
READER = BatchReader(SIGNATURE)
GOOD, BAD = {"tenure": 1, "customer_id": "a"}, {"tenure": "x"}


def many(*customers, limit=100, reader=READER):
    return reader.read_many(orjson.dumps({"customers": customers}), limit)


@pytest.fixture
def received(monkeypatch):
    """The payloads that record.py received."""
    payloads = []
    read = RecordReader.read

    def spy(self, payload):
        payloads.append(payload)
        return read(self, payload)

    monkeypatch.setattr(RecordReader, "read", spy)
    return payloads


def test_clean_bodies_never_reach_marshmallow(received):
    """A valid record and a valid batch are read without calling record.py."""
    READER.read_one(orjson.dumps(GOOD))
    many(*[GOOD] * 50)
    assert received == []


def test_only_rows_at_fault_reach_marshmallow(received):
    """Only the two invalid rows of a batch reach record.py."""
    batch = many(GOOD, BAD, GOOD, {"tenure": 1.5}, GOOD)
    assert received == [BAD, {"tenure": 1.5}]
    assert list(batch.positions) == [0, 2, 4]
    assert [fault.pointer for fault in batch.faults] == ["#/customers/1/tenure", "#/customers/3/tenure"]


def test_what_only_marshmallow_accepts():
    """A row that the structs reject and record.py accepts keeps its position and value."""
    batch = many(GOOD, {"tenure": 3.0, "customer_id": 7.0}, GOOD)
    assert batch.columns.numbers[:, 0].tolist() == [1, 3, 1]
    assert batch.identifiers == ["a", 7.0, "a"]
    assert not batch.faults


def test_warnings_have_paths():
    """Out-of-vocabulary categories of an open feature cause warnings with their row, in the order of rows."""
    batch = many(GOOD | {"plan": "A"}, GOOD | {"plan": "C"}, BAD, GOOD | {"plan": "D"})
    assert [fault.pointer for fault in batch.warnings] == ["#/customers/1/plan", "#/customers/3/plan"]
    assert [fault.pointer for fault in READER.read_one(b'{"tenure": 1, "plan": "C"}').warnings] == ["#/plan"]


def test_limit():
    """A batch above the limit is rejected before its rows are validated."""
    assert many(GOOD, GOOD, limit=2).sent == 2
    for rows in ([GOOD] * 3, [BAD] * 3):
        with pytest.raises(TooManyRows, match="more than 2"):
            many(*rows, limit=2)


def test_nothing_good():
    """A batch with only invalid rows has empty columns, and every fault."""
    batch = many(BAD, BAD)
    assert (batch.columns.rows, batch.sent, len(batch.faults)) == (0, 2, 2)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1", b'{"customers": [{"tenure": 1}, {]}', b'{"customers": [{"tenure": NaN}]}', b"\xff"]
)
def test_no_json(body):
    """A body that is not valid JSON raises JSONDecodeError, wherever the error is."""
    for read in (READER.read_one, lambda data: READER.read_many(data, 100)):
        with pytest.raises(orjson.JSONDecodeError):
            read(body)


# --- both readers agree for any signature and any body

NAMES = st.sampled_from([*ODD_NAMES, "tenure", "Contract"]) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6
).filter(str.strip)
BOUNDS = st.one_of(st.none(), st.integers(-5, 5), st.floats(-5, 5), st.sampled_from([1e30, -1e30, 2.0**63, -(2.0**63)]))


@st.composite
def features(draw, name):
    kind = draw(st.sampled_from(["integer", "number", "boolean", "string", "date"]))
    parts = {"required": draw(st.booleans()), "nullable": draw(st.booleans())}
    if kind in ("integer", "number"):
        low, high = draw(BOUNDS), draw(BOUNDS)
        parts |= {"minimum": low, "maximum": high if low is None or high is None else max(low, high)}
    if kind == "string":
        parts["max_length"] = draw(st.integers(1, 5))
    if kind == "boolean":
        parts["labels"] = draw(st.sampled_from([None, ("Yes", "No"), (1, 0), ("b", "a")]))
    if kind == "date":
        parts["reference"] = "2026-01-31"
    if kind not in ("boolean", "date") and draw(st.booleans()):
        values = {"integer": st.integers(-5, 5), "number": st.integers(-5, 5), "string": st.sampled_from("abcde")}[kind]
        parts["choices"] = tuple(draw(st.lists(values, min_size=1, max_size=4, unique=True)))
        parts["unseen"] = draw(st.sampled_from(["refuse", "accept"]))
    return feature(name, kind, **parts)


@st.composite
def signatures(draw) -> Signature:
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    names = [name for name in names if name not in ("Churn", "customerID", "customer_id")] or ["tenure"]
    identifier = draw(st.sampled_from(["customerID", "customer_id", 'the "id"', None]))
    return signature(*(draw(features(name)) for name in names), identifier=identifier)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-6, 6),
    st.sampled_from([2**53, -(2**53), 2**63, 10**30, 3.4e38, 3.5e38, -1e300, 0.1, 3.0, -0.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["a", "b", "", " ", "abcdef", "é", "\n", "a\n", "\x00", "\u202e", "\U0001f600"]),
    st.sampled_from(
        ["Yes", "No", "yes", "2024-02-29", "2024-02-30", "2024-02-29T10:00:00+02:00", "0001-01-01T00:00:00+01:00"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.lists(st.integers(), max_size=1),
)


@st.composite
def records(draw, of: Signature):
    names = [
        *(item.name for item in of.features),
        "customer_id",
        "customerID",
        "other",
        'the "id"',
        "\x7fid1",
        "\x7ff0",
    ]
    kept = draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names)))
    return {name: draw(VALUES) for name in kept}


def serialised(value) -> bytes:
    """Any JSON value, including integers of any size."""
    import json

    return json.dumps(value).encode()


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_one_record_gets_the_same_verdict_and_values(data):
    """For any signature and any record, the fast path and record.py agree on validity, faults and values."""
    of = data.draw(signatures())
    body = serialised(data.draw(records(of)))
    reader, slow = BatchReader(of), RecordReader(of)
    try:
        expected = slow.read(orjson.loads(body))
    except InvalidRecord as error:
        with pytest.raises(InvalidRecord) as caught:
            reader.read_one(body)
        assert caught.value.faults == error.faults
        assert reader._decoder.decode(body) is None
        return
    batch = reader.read_one(body)
    same(batch.columns, ColumnsBuilder(of).build_from_rows([expected.values]))
    assert (batch.identifiers, [type(value) for value in batch.identifiers]) == (
        [expected.customer_id],
        [type(expected.customer_id)],
    )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_batch_is_its_records(data):
    """For any signature and any rows, a batch has the columns of its valid rows and the faults of the others."""
    of = data.draw(signatures())
    rows = data.draw(st.lists(records(of) | VALUES, min_size=1, max_size=5))
    reader, good, positions, faults = BatchReader(of), [], [], []
    for index, row in enumerate(orjson.loads(serialised(rows))):
        try:
            good.append(RecordReader(of).read(row).values)
            positions.append(index)
        except InvalidRecord as error:
            faults += [fault.under("customers", index) for fault in error.faults]
    batch = reader.read_many(serialised({"customers": rows}), 100)
    same(batch.columns, ColumnsBuilder(of).build_from_rows(good))
    assert (list(batch.positions), batch.faults, batch.sent) == (positions, faults, len(rows))


def same(one, two):
    np.testing.assert_array_equal(one.numbers, two.numbers)
    assert one.texts.tolist() == two.texts.tolist()


@given(
    st.binary(max_size=60) | st.text(max_size=40).map(lambda text: b'{"tenure": 1, "plan": "' + text.encode() + b'"}')
)
def test_accepted_bytes_are_json(body):
    """Any bytes that the structs accept, a strict JSON parser accepts with the same values."""
    row = READER._decoder.decode(body)
    if row is not None:
        payload = orjson.loads(body)
        assert row[:3] == tuple(payload.get(name) for name in ("tenure", "plan", "partner"))
        assert not math.isnan(row[0])
