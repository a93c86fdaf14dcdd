"""The reader for other systems' protocols: all that /api/v1 takes, and what loses nothing in addition."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from builders import feature, signature
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.columns import concatenate
from churn_api.contract.feature_attributes import Observed
from churn_api.contract.lenient_reader import MANY, LenientReader
from churn_api.contract.lenient_values import converter
from churn_api.contract.notation import Notation
from churn_api.contract.plain_text import plain_text
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyRows
from churn_api.contract.text_values import WHITESPACE
from churn_api.tables.plain_cells import plain_texts

SIGNATURE = signature(
    feature("tenure", "integer", required=True, nullable=False, minimum=0),
    feature("charges", "number", observed=Observed(minimum=0, maximum=100)),
    feature("partner", "boolean", labels=("Yes", "No")),
    feature("senior", "boolean", labels=(1, 0)),
    feature("contract", "string", choices=("Month-to-month", "One year", " odd ")),
    feature("code", "string", choices=("1", "2", "true")),
    feature("region", "string", choices=("North", "South"), unseen="accept"),
    feature("note", "string", max_length=8),
    feature("level", "number", choices=(1, 2.5)),
    feature("since", "date", reference="2026-01-01"),
    feature("strict", "number", nullable=False),
)
STRICT = BatchReader(SIGNATURE)
READER = LenientReader(STRICT)
LEAST = {"tenure": 5}
LIMIT = 100

VALID = st.fixed_dictionaries(
    {"tenure": st.integers(0, 10**6) | st.integers(0, 10**6).map(float)},
    optional={
        "charges": st.none() | st.floats(-3e38, 3e38) | st.integers(-(2**70), 2**70),
        "partner": st.sampled_from([None, True, False, "Yes", "No"]),
        "senior": st.sampled_from([None, True, False, 1, 0, 1.0, 0.0]),
        "contract": st.sampled_from([None, "Month-to-month", "One year", " odd "]),
        "code": st.sampled_from([None, "1", "2", "true"]),
        "region": st.none() | st.text(min_size=1, max_size=9),
        "note": st.none() | st.text(min_size=1, max_size=8),
        "level": st.sampled_from([None, 1, 1.0, 2.5]),
        "since": st.none() | st.dates().map(str) | st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
        "strict": st.floats(-3e38, 3e38),
        "customerID": st.none() | st.integers(-(2**63), 2**63 - 1) | st.text("abc é", min_size=1),
    },
)


def same(one, other):
    assert one.identifiers == other.identifiers
    assert one.columns.numbers.tobytes() == other.columns.numbers.tobytes()
    assert one.columns.texts.tolist() == other.columns.texts.tolist()
    assert (one.positions, one.faults) == (other.positions, other.faults) or not one.faults


def by_column(records):
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name) for record in records] for name in names}


@settings(deadline=None)
@given(st.lists(VALID, min_size=1, max_size=5))
def test_what_the_api_takes(records):
    """A record that /api/v1 takes has the same doubles and texts by name, by position and by column."""
    records = json.loads(json.dumps(records))
    expected = STRICT.read_rows(records, LIMIT, lambda index, path: (index, *path))
    assert expected.faults == []
    same(READER.read_rows(records, LIMIT, ignore_unknown=False), expected)
    same(READER.read_columns(by_column(records), LIMIT, ignore_unknown=False), expected)
    rows = [[record.get(name) for name in READER.names] for record in records]
    same(READER.read_rows(rows, LIMIT, ignore_unknown=False)._replace(identifiers=expected.identifiers), expected)


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
NEARLY = st.sampled_from(["Yes", "no", "TRUE", " 1 ", "29.85", "", " ", "1.0", "five", 1, 0, 2, 5.5, 1e300, math.nan])


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from([*READER.names, "customerID"]), ANY | NEARLY), min_size=1, max_size=4))
def test_columns_and_rows_agree(records):
    """Whatever the values are, columns are read as the same records, or refused for the same faults, as rows."""
    columns = by_column([LEAST | record for record in records])
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    one, other = READER.read_rows(rows, LIMIT, ignore_unknown=False), None
    other = READER.read_columns(columns, LIMIT, ignore_unknown=False)
    assert one.faults == other.faults
    same(one, other)


@settings(deadline=None)
@given(st.lists(VALID | st.dictionaries(st.sampled_from(["zz", *READER.names]), ANY | NEARLY), min_size=1, max_size=3))
def test_many_rows(records):
    """Many rows have the values and faults that each of them has alone."""
    rows = records * MANY
    for ignore_unknown in (False, True):
        many = READER.read_rows(rows, LIMIT, ignore_unknown=ignore_unknown)
        alone = [READER.read_rows([row], LIMIT, ignore_unknown=ignore_unknown) for row in rows]
        assert many.positions == [index for index, batch in enumerate(alone) if not batch.faults] or not many.faults
        assert many.columns.numbers.tobytes() == concatenate([one.columns for one in alone]).numbers.tobytes()
        assert many.identifiers == [identifier for one in alone for identifier in one.identifiers]
        moved = [(index, fault) for index, one in enumerate(alone) for fault in one.faults]
        assert many.faults == [fault._replace(path=(index, *fault.path[1:])) for index, fault in moved]


SAME = {
    "tenure": [5, 5.0, "5", " 5.0 ", "5."],
    "charges": [29.85, "29.85", "+29.85", " 29.85\n", "2985e-2"],
    "partner": [True, 1, 1.0, "Yes", "yes", "TRUE", " t ", "1"],
    "senior": [False, 0, 0.0, "No", "false", "0", "0.0"],
    "contract": ["One year", " One year "],
    "code": ["2", 2, 2.0, " 2 "],
    "region": ["South", " South "],
    "since": ["2025-12-01", " 2025-12-01 ", "2025-12-01T00:00:00Z"],
}


@pytest.mark.parametrize(("name", "values"), SAME.items())
def test_what_loses_nothing(name, values):
    """The forms in which clients send a value are read as the same value, in rows and in columns."""
    rows = [LEAST | {name: value} for value in values]
    for batch in (
        READER.read_rows(rows, LIMIT, ignore_unknown=False),
        READER.read_columns(by_column(rows), LIMIT, ignore_unknown=False),
    ):
        assert batch.faults == []
        assert all(row == batch.columns.texts[0].tolist() for row in batch.columns.texts.tolist())
        assert (batch.columns.numbers == batch.columns.numbers[0])[:, ~np.isnan(batch.columns.numbers[0])].all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenure", 5.5),
        ("tenure", "five"),
        ("tenure", True),
        ("charges", "1,5"),
        ("charges", "1_000"),
        ("charges", "nan"),
        ("charges", math.inf),
        ("charges", "1e999"),
        ("charges", False),
        ("partner", 2),
        ("partner", "maybe"),
        ("contract", 1),
        ("code", 3),
        ("since", 5),
        ("level", "3"),
        ("charges", [1]),
        ("contract", "No"),
    ],
)
def test_faults(name, value):
    """What would lose something is a fault of its record and feature, in rows and in columns."""
    rows = [LEAST, LEAST | {name: value}]
    columns = {"tenure": [5, 5], name: [5 if name == "tenure" else None, value]}
    for batch in (
        READER.read_rows(rows, LIMIT, ignore_unknown=False),
        READER.read_columns(columns, LIMIT, ignore_unknown=False),
    ):
        assert [fault.path for fault in batch.faults] == [(1, name)]
        assert batch.positions == [0]
        assert "quotes" not in str(batch.faults)


@pytest.mark.parametrize("gap", [None, math.nan, "", "  "])
@pytest.mark.parametrize("name", [name for name in READER.names if name not in ("tenure", "note", "region")])
def test_gaps(gap, name):
    """Null, NaN and blank texts are missing values, which a required feature may not have."""
    batch = READER.read_rows([LEAST, LEAST | {name: gap}], LIMIT, ignore_unknown=False)
    assert batch.faults == []
    same(batch._replace(columns=batch.columns.take([1])), batch._replace(columns=batch.columns.take([0])))
    faults = READER.read_rows([{"tenure": gap}], LIMIT, ignore_unknown=False).faults
    assert [fault.path for fault in faults] == [(0, "tenure")]


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_arrays(dtype):
    """Arrays of any width of integer or float are read as numbers, and arrays of 0 and 1 as booleans."""
    batch = READER.read_columns(
        {
            "tenure": np.array([1, 2], dtype),
            "charges": np.array([3, 4], dtype),
            "partner": np.array([0, 1], dtype),
            "senior": np.array([True, False]),
        },
        LIMIT,
        ignore_unknown=False,
    )
    assert batch.faults == []
    assert batch.columns.numbers[:, :4].tolist() == [[1, 3, 0, 1], [2, 4, 1, 0]]
    wrong = READER.read_columns({"tenure": np.array([1, 2, 3]) / 2}, LIMIT, ignore_unknown=False)
    assert [fault.path for fault in wrong.faults] == [(0, "tenure"), (2, "tenure")]


def test_unknown_names():
    """Unknown names are left out or refused, as the protocol chooses; the target's column is always left out."""
    row = LEAST | {"Churn": "Yes", "partnr": True}
    (fault,) = READER.read_rows([row], LIMIT, ignore_unknown=False).faults
    assert (fault.path, fault.hint) == ((0, "partnr"), "Did you mean 'partner'?")
    assert READER.read_rows([row], LIMIT, ignore_unknown=True).faults == []
    columns = {name: [value] for name, value in row.items()}
    assert READER.read_columns(columns, LIMIT, ignore_unknown=True).faults == []
    with pytest.raises(InvalidRecord, match="Did you mean 'partner'") as error:
        READER.read_columns(columns, LIMIT, ignore_unknown=False)
    assert [fault.path for fault in error.value.faults] == [("partnr",)]


def test_missing_columns():
    """A required column that is missing is one fault, with a hint at the position of one that resembles it."""
    with pytest.raises(InvalidRecord) as error:
        READER.read_columns({"charges": [1, 2], "tenur": [1, 2]}, LIMIT, ignore_unknown=True)
    (fault,) = error.value.faults
    assert (fault.path, fault.hint) == (("tenure",), "Column 2 is unknown: is it this one?")


def test_rows_by_position():
    """A row without names has one value for each feature, and nothing else."""
    short = [[5], [5, *[None] * len(READER.names)], [5, *[None] * (len(READER.names) - 1)]]
    batch = READER.read_rows(short, LIMIT, ignore_unknown=True)
    assert [fault.path for fault in batch.faults] == [(0,), (1,)]
    assert all("11 values" in fault.message for fault in batch.faults)
    assert batch.positions == [2]


def test_sizes():
    """No rows are a fault, unequal columns too, and rows beyond the limit are too many."""
    for columns in ({"tenure": []}, {}, {"tenure": [1], "charges": []}):
        with pytest.raises(InvalidRecord):
            READER.read_columns(columns, LIMIT, ignore_unknown=True)
    with pytest.raises(InvalidRecord):
        READER.read_rows([], LIMIT, ignore_unknown=True)
    with pytest.raises(TooManyRows):
        READER.read_rows([LEAST] * 101, LIMIT, ignore_unknown=True)
    with pytest.raises(TooManyRows):
        READER.read_columns({"tenure": [1] * 101}, LIMIT, ignore_unknown=True)


def test_identifiers_in_columns():
    """Identifiers come back as they were sent, gaps as none; one that is not valid is a fault."""
    columns = {"tenure": [1, 2, 3, 4], "customerID": ["A", 7, None, ""]}
    assert READER.read_columns(columns, LIMIT, ignore_unknown=False).identifiers == ["A", 7, None, None]
    wrong = READER.read_columns({"tenure": [1, 2], "customerID": ["A\n", "B"]}, LIMIT, ignore_unknown=False)
    assert [fault.path for fault in wrong.faults] == [(0, "customerID")]
    twice = {"tenure": [1], "customerID": ["A"], "customer_id": ["A"]}
    assert READER.read_columns(twice, LIMIT, ignore_unknown=False).faults[0].code == "sent-twice"


NOTATIONS = st.sampled_from(
    [
        Notation(decimal=",", thousands=".", unit="€"),
        Notation(thousands=",", unit="$", missing=("n/a", "-")),
        Notation(unit="%"),
        Notation(decimal=","),
        Notation(missing=("?",)),
    ]
)


@given(NOTATIONS, st.text("0123456789.,-+€$% eE?n/a", max_size=10) | st.floats(-1e6, 1e6).map("{:,.2f} €".format))
def test_notation_of_the_table(notation, text):
    """A text in the notation of the training table is read as a cell of a table with types is."""
    assume(text.strip(WHITESPACE))
    cell = plain_texts(pa.array([text]), notation, "number", typed=True)[0].as_py()
    plain = plain_text(feature("charges", "number", notation=notation), text)
    assert (plain or "") == (cell or "").strip(WHITESPACE)


def test_dates_in_notation():
    """A date in the format of the training table is read, and one in ISO 8601 too."""
    convert = converter(feature("since", "date", reference="2026-01-01", notation=Notation(date_format="%d.%m.%Y")))
    assert (convert("31.12.2025"), convert("2025-12-31")) == ("2025-12-31T00:00:00", "2025-12-31")
    assert "12/31" not in {convert("31.12.2025")}
