"""Records as bytes, as Python objects or by field are read alike, and the caller determines the paths of faults."""

import math
from decimal import Decimal

import orjson
import pytest
from builders import feature, signature
from hypothesis import given, settings
from hypothesis import strategies as st
from test_batch import VALUES, records, same, serialised, signatures

from churn_api.contract.batch import path_of_only_record, paths_in_list
from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyRows

READER = BatchReader(
    signature(
        feature("tenure", required=True, nullable=False),
        feature("plan", "string", choices=("A", "B"), unseen="accept"),
        feature("note", "string"),
        feature("charge", "number"),
    )
)
GOOD, BAD = {"tenure": 1, "plan": "A", "customer_id": "a"}, {"tenure": "x"}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_python_records_are_read_as_json_is(data):
    """For any signature and any rows, Python records give the same columns, identifiers and faults as their JSON."""
    of = data.draw(signatures())
    rows = orjson.loads(serialised(data.draw(st.lists(records(of) | VALUES, min_size=1, max_size=5))))
    from_json = BatchReader(of).read_many(orjson.dumps({"customers": rows}), 100)
    from_python = BatchReader(of).read_rows(rows, 100, paths_in_list("customers"))
    same(from_python.columns, from_json.columns)
    assert from_python._replace(columns=None) == from_json._replace(columns=None, positions=[*from_json.positions])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_python_record_is_read_as_json_is(data):
    """For any signature, one Python record gives the same columns, identifier and faults as its JSON."""
    of = data.draw(signatures())
    record = orjson.loads(serialised(data.draw(records(of) | VALUES)))
    outcomes = []
    for read in (lambda: BatchReader(of).read_one(orjson.dumps(record)), lambda: BatchReader(of).read_record(record)):
        try:
            outcomes.append(read())
        except InvalidRecord as error:
            outcomes.append(error.faults)
    from_json, from_python = outcomes
    if isinstance(from_json, list):
        assert from_python == from_json
    else:
        same(from_python.columns, from_json.columns)
        assert from_python._replace(columns=None) == from_json._replace(columns=None)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_columns_are_read_as_their_rows_are(data):
    """For any signature, named columns give the same result as the records made of them."""
    of = data.draw(signatures())
    names = data.draw(
        st.lists(st.sampled_from([item.name for item in of.features] + ["other"]), unique=True, min_size=1)
    )
    rows = data.draw(st.lists(st.tuples(*[VALUES] * len(names)), min_size=1, max_size=4))
    columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    by_field = BatchReader(of).read_columns(columns, 100, paths_in_list())
    by_row = BatchReader(of).read_rows([dict(zip(names, row, strict=True)) for row in rows], 100, paths_in_list())
    same(by_field.columns, by_row.columns)
    assert by_field.faults == by_row.faults


def test_any_member():
    """The member with the list may have another name, and the paths of faults begin with it."""
    batch = READER.read_many(orjson.dumps({"instances": [GOOD, BAD, GOOD | {"plan": "C"}]}), 10, "instances")
    assert [fault.pointer for fault in batch.faults] == ["#/instances/1/tenure"]
    assert [fault.pointer for fault in batch.warnings] == ["#/instances/2/plan"]
    with pytest.raises(InvalidRecord) as caught:
        READER.read_many(orjson.dumps({"customers": [GOOD]}), 10, "instances")
    assert {fault.pointer for fault in caught.value.faults} == {"#/customers", "#/instances"}


def test_any_path():
    """The caller determines a fault's path: deep in a body, or a row and a column."""
    deep = READER.read_rows([GOOD, BAD], 10, paths_in_list("inputs", 0, "data"))
    assert [fault.pointer for fault in deep.faults] == ["#/inputs/0/data/1/tenure"]
    names = ["tenure", "plan"]
    cells = READER.read_columns(
        {"tenure": [1, None], "plan": ["A", "B"]},
        10,
        lambda number, path: ("data", number, names.index(str(path[0]))),
    )
    assert [fault.pointer for fault in cells.faults] == ["#/data/1/0"]
    assert [fault.pointer for fault in READER.read_rows([BAD], 10, path_of_only_record).faults] == ["#/tenure"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("charge", math.nan),
        ("charge", math.inf),
        ("charge", Decimal("1.5")),
        ("charge", 10**400),
        ("charge", b"1"),
        ("tenure", True),
        ("tenure", 10**30),
        ("note", "\ud800"),
        ("note", 3),
        ("customer_id", "\udfff"),
        ("customer_id", math.nan),
        ("plan", ["A"]),
        ("plan", {"A"}),
        (3, "a"),
        (None, "a"),
    ],
)
def test_what_no_json_could_hold(name, value):
    """A Python value that JSON cannot hold, or that the field does not accept, is a fault and no other error."""
    batch = READER.read_rows([GOOD, GOOD | {name: value}], 10, paths_in_list("customers"))
    assert (list(batch.positions), len(batch.faults)) == ([0], 1)
    assert batch.faults[0].pointer.startswith("#/customers/1")


def test_bounds():
    """Too many rows are rejected before any is read; so are no rows, and columns of different lengths."""
    with pytest.raises(TooManyRows):
        READER.read_rows([BAD] * 3, 2, paths_in_list())
    for read in (lambda: READER.read_rows([], 2, paths_in_list()), lambda: READER.read_columns({}, 2, paths_in_list())):
        with pytest.raises(InvalidRecord):
            read()
    with pytest.raises(InvalidRecord):
        READER.read_columns({"tenure": [1], "plan": ["A", "B"]}, 5, paths_in_list())
