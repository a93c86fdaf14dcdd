"""Rows of tables: the same validity, values and messages as record.py, in every format."""

import csv
import io
import json
import math
import re
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import feature, signature
from contract.test_batch import VALUES, records, serialised, signatures
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.tables import row_boundaries
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import Block
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import read_layout
from churn_api.tables.table_errors import TableError, TableFaults

RESERVED = frozenset({"customer_id", "risk_band"})

SIGNATURE = signature(
    feature("tenure", required=True, nullable=False, minimum=0),
    feature("charges", "number"),
    feature("partner", "boolean"),
    feature("contract", "string", choices=("Month-to-month", "One year")),
    feature("region", "string", choices=("North", "South"), unseen="accept"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def reader_of(path, kind, of=SIGNATURE, keep=()):
    layout = read_layout(path, kind)
    return FORMATS[layout.format].reader(RecordReader(of), layout, keep, RESERVED), blocks(layout)


def read(path, kind, of=SIGNATURE, keep=()):
    reader, parts = reader_of(path, kind, of, keep)
    return reader.read(next(parts))


def read_csv(folder, text, **options):
    path = folder / "table.csv"
    path.write_bytes(text.encode())
    return read(path, "csv", **options)


def read_parquet(folder, columns, **options):
    path = folder / "table.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return read(path, "parquet", **options)


def read_ndjson(folder, *lines, **options):
    path = folder / "table.ndjson"
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines))
    return read(path, "ndjson", **options)


def faults_of(rows):
    return [(fault.row, fault.line, fault.column, fault.code) for fault in rows.faults]


# --- CSV


def test_as_people_write_them(folder):
    """Blank cells are missing, Yes and no are booleans, white space around values is ignored."""
    rows = read_csv(
        folder, "customerID,tenure,charges,partner,contract,region\na, 3.0,,YES, One year ,North\n,4, 2.50 ,0,,\n"
    )
    np.testing.assert_array_equal(rows.columns.numbers, [[3, math.nan, 1], [4, 2.5, 0]])
    assert rows.columns.texts.tolist() == [["One year", "North"], ["", ""]]
    assert rows.identifiers.to_pylist() == ["a", None]
    assert not rows.faults


@pytest.mark.parametrize("word", ["None", "NA", "N/A", "NaN", "null", "NULL"])
def test_words_for_nothing_are_text(folder, word):
    """Only a blank cell is missing; words such as NA are categories, and not valid as numbers."""
    rows = read_csv(folder, f"tenure,region\n1,{word}\n{word},North\n")
    assert rows.columns.texts[:, 1].tolist() == [word]
    assert faults_of(rows) == [(1, 1, "tenure", "wrong-type")]


def test_faults_have_rows_and_lines(folder):
    """A fault has its row and the line where the row begins, in the order of rows, including ragged rows."""
    rows = read_csv(folder, 'tenure,charges\n1,"\n"\n-1,x\n1,2,3\n1.5,\n2,2\n')
    assert faults_of(rows) == [
        (1, 2, "tenure", "too-small"),
        (1, 2, "charges", "wrong-type"),
        (2, 3, None, "ragged-row"),
        (3, 4, "tenure", "wrong-type"),
    ]
    assert rows.faults[2].message == "The row has 3 cells where the header has 2."
    assert (rows.good.tolist(), rows.count, rows.lines) == ([0, 4], 5, 6)
    assert rows.columns.rows == 2


def test_a_row_of_nulls_for_a_ragged_one(folder):
    """Identifiers and kept columns have an entry for every row, including ragged rows."""
    rows = read_csv(folder, "customerID,tenure,note\na,1, x \nb,2\nc,x,y\n", keep=("note", "tenure"))
    assert rows.identifiers.to_pylist() == ["a", None, "c"]
    assert rows.kept.to_pydict() == {"note": [" x ", None, "y"], "tenure": ["1", None, "x"]}


def test_unseen_categories_are_counted(folder):
    """Out-of-vocabulary categories of an open feature are counted in valid rows."""
    rows = read_csv(folder, "tenure,region\n1,West\n1,East\n1,\n1,North\nx,West\n")
    assert rows.unseen == {"region": 2}


def test_choices_as_training_took_them(folder):
    """A category matches unchanged, where training has it so, or trimmed."""
    of = signature(feature("state", "string", choices=(" Rome", "Oslo")))
    rows = read_csv(folder, 'state\n" Rome"\n" Oslo "\n"Rome"\n', of=of)
    assert rows.columns.texts.tolist() == [[" Rome"], ["Oslo"]]
    assert faults_of(rows) == [(2, 2, "state", "not-a-choice")]


@pytest.mark.parametrize(
    ("identifier", "code"),
    [("a" * 129, "wrong-length"), ("a\u202eb", "not-printable"), ("a" * 128, None), (" é ", None)],
)
def test_identifiers(folder, identifier, code):
    """An identifier is kept unchanged, or is a fault of its row."""
    rows = read_csv(folder, f"customer_id,tenure\n{identifier},1\n")
    assert [fault.code for fault in rows.faults] == ([code] if code else [])
    assert rows.identifiers.to_pylist() == [identifier]


def test_only_rows_at_fault_are_validated_one_by_one(folder, monkeypatch):
    """record.py validates only the rows that the column validation does not accept."""
    records = []
    read = RecordReader.read
    monkeypatch.setattr(RecordReader, "read", lambda self, record: records.append(record) or read(self, record))
    read_csv(folder, "tenure,charges\n1,2\n 2 ,1e3\n3.0,x\n4,\n")
    assert records == [{"tenure": 3.0, "charges": "x"}]


# --- columns


@pytest.mark.parametrize(
    ("header", "keep", "faults"),
    [
        ("Tenure,charges", (), [("tenure", "required", "Column 1 is unknown: did you mean 'tenure'?")]),
        ("charges", (), [("tenure", "required", None)]),
        ("tenure,customer_id,customerID", (), [("customer_id", "sent-twice", "Leave out 'customerID'.")]),
        ("tenure,notes", ("note",), [("keep", 0, "unknown-column", None)]),
        ("tenure", ("tenure", "Tenure"), [("keep", 1, "unknown-column", "Did you mean 'tenure'?")]),
        ("tenure,customer_id", ("customer_id",), [("customer_id", "clash", "Name other columns to keep.")]),
        ("tenure,risk_band", None, [("risk_band", "clash", "Name other columns to keep.")]),
    ],
)
def test_columns_that_will_not_do(folder, header, keep, faults):
    """Columns are checked before any row is read: each fault has the column, a code and a hint."""
    with pytest.raises(TableFaults) as caught:
        read_csv(folder, f"{header}\n", keep=keep)
    assert [(*fault.path, fault.code, fault.hint) for fault in caught.value.faults] == faults


def test_keep_all(folder):
    """All columns are kept unchanged, except the identifier's, which the result contains anyway."""
    rows = read_csv(folder, "a,customerID,tenure,Churn\nx,7,03,Yes\n", keep=None)
    assert rows.kept.to_pydict() == {"a": ["x"], "tenure": ["03"], "Churn": ["Yes"]}


def test_optional_columns(folder):
    """An optional feature without a column is missing in every row."""
    rows = read_csv(folder, "tenure\n1\n")
    np.testing.assert_array_equal(rows.columns.numbers, [[1, math.nan, math.nan]])
    assert rows.columns.texts.tolist() == [["", ""]]
    assert rows.identifiers.to_pylist() == [None]


# --- Parquet


def test_stored_types(folder):
    """Numbers, booleans, text, dictionaries, decimals and dates are read with their meaning."""
    of = signature(
        feature("integer"), feature("number", "number"), feature("boolean", "boolean"), *map(_string, "abcdef")
    )
    rows = read_parquet(
        folder,
        {
            "integer": pa.array([3.0, None]),
            "number": pa.array([Decimal("2.50"), None]),
            "boolean": pa.array([1, 0]),
            "a": pa.array([3, None]),
            "b": pa.array([3.0, 2.5]),
            "c": pa.array([True, False]),
            "d": pa.array([date(2024, 1, 5), None]),
            "e": pa.array([datetime(2024, 1, 5, 10, 30), None], pa.timestamp("ms")),
            "f": pa.array([" x ", " "]).dictionary_encode(),
        },
        of=of,
    )
    np.testing.assert_array_equal(rows.columns.numbers, [[3, 2.5, 1], [math.nan, math.nan, 0]])
    assert rows.columns.texts.tolist() == [
        ["3", "3", "true", "2024-01-05", "2024-01-05 10:30:00", "x"],
        ["", "2.5", "false", "", "", ""],
    ]
    assert not rows.faults


def _string(name):
    return feature(name, "string")


@pytest.mark.parametrize(
    ("cells", "identifiers", "codes"),
    [
        (pa.array([1, None]), [1, None], []),
        (pa.array([1.0, 1.5]), [1, None], ["wrong-type"]),
        (pa.array([2**63, 7], pa.uint64()), [None, 7], ["wrong-type"]),
        (pa.array([True, None]), ["true", None], ["wrong-type"]),
        (pa.array(["007", " "]), ["007", None], []),
        (pa.nulls(2), [None, None], []),
    ],
)
def test_stored_identifiers(folder, cells, identifiers, codes):
    """Identifiers that a file stores as numbers remain numbers."""
    rows = read_parquet(folder, {"customerID": cells, "tenure": [1, 2]})
    assert rows.identifiers.to_pylist() == identifiers
    assert [fault.code for fault in rows.faults] == codes


def test_stored_integers_are_exact(folder):
    """An integer is compared with its bounds exactly, not as the nearest float."""
    rows = read_parquet(folder, {"a": [2**53, 2**53 + 1]}, of=signature(feature("a", maximum=2.0**53)))
    assert faults_of(rows) == [(1, 1, "a", "too-large")]


@pytest.mark.parametrize("cells", [pa.array([[1]]), pa.array([b"x"]), pa.array([{"a": 1}])])
def test_columns_that_cannot_be_read(folder, cells):
    """Columns of lists, bytes and structs are rejected."""
    with pytest.raises(TableError, match="column 1 holds no single values"):
        read_parquet(folder, {"tenure": cells})


@pytest.mark.parametrize("kind", ["csv", "parquet", "ndjson"])
def test_no_rows(folder, kind):
    """A block without rows has empty columns, identifiers and kept columns of the usual types."""
    path = folder / f"table.{kind}"
    table = pa.table({"customerID": ["a"], "tenure": [1], "note": ["x"]})
    if kind == "parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        path.write_text("customerID,tenure,note\na,1,x\n" if kind == "csv" else json.dumps(table.to_pylist()[0]))
    reader, parts = reader_of(path, kind, keep=("tenure", "note"))
    some = next(parts)
    full, empty = reader.read(some), reader.read(Block(0, some.start, some.start))
    assert (empty.columns.numbers.shape, empty.columns.texts.shape, empty.count, empty.lines) == ((0, 3), (0, 2), 0, 0)
    assert empty.kept.schema == full.kept.schema
    assert empty.identifiers.type == full.identifiers.type


@settings(deadline=None)
@given(
    rows=st.lists(st.sampled_from(["1,x", '1,"\n\n"', '"2",x', '1,2"3', "1,2,3", ""]), max_size=20),
    piece=st.integers(1, 9),
)
def test_lines_of_rows(folder, rows, piece):
    """The line of a fault is where its row begins, whatever quotes, blank lines and pieces precede it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_boundaries, "PIECE_BYTES", piece)
        read = read_csv(folder, "tenure,charges\n1,2\n" + "\n".join(rows))
    lines = np.cumsum([1, *(1 + row.count("\n") for row in rows)])
    bad = [
        (line, "charges" if row != "1,2,3" else None)
        for row, line in zip(rows, lines, strict=False)
        if row[-1:] in "x3" and row
    ]
    assert [(fault.line, fault.column) for fault in read.faults] == bad


# --- NDJSON


def test_lines_are_json(folder):
    """A line is validated as in a request, unknown members are allowed, and blank lines are skipped."""
    rows = read_ndjson(folder, {"tenure": 1, "extra": [1]}, b" \r", {"tenure": "1"}, {"tenure": 3.0, "partner": True})
    assert faults_of(rows) == [(1, 2, "tenure", "wrong-type")]
    assert (rows.good.tolist(), rows.count, rows.lines) == ([0, 2], 3, 4)
    np.testing.assert_array_equal(rows.columns.numbers, [[1, math.nan, math.nan], [3, math.nan, 1]])


@pytest.mark.parametrize(
    "line",
    [
        *(b"{", b"[]", b"1", b"null", b'{"tenure": NaN}', b"\xff", b'{"tenure": 1, "x": "\xff"}', b'{"tenure": 1}{}'),
        b'{"tenure": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"[" * 100_000,
        b'{"tenure": 1, "x": ' + b"[" * 100_000,
    ],
    ids=range(11),
)
def test_lines_that_are_no_json(folder, line):
    """A line that is not a JSON object is a fault of its row only."""
    rows = read_ndjson(folder, {"tenure": 1}, line, {"tenure": 2})
    assert faults_of(rows) == [(1, 1, None, "malformed-json")]
    assert rows.columns.numbers[:, 0].tolist() == [1, 2]


def test_a_line_of_very_many_faults(folder):
    """The first thousand faults of a line are listed, and the others counted."""
    rows = read_ndjson(folder, {}, of=signature(*[feature(f"f{number}", required=True) for number in range(1100)]))
    assert (len(rows.faults), rows.more_faults) == (1000, 100)


def test_identifiers_of_lines(folder):
    """Identifiers are text, integers as digits, in invalid rows too."""
    sent = [{"customer_id": 2**62}, {"customerID": "a"}, {"customerID": 7.0, "tenure": "x"}, {"customer_id": True}, {}]
    rows = read_ndjson(folder, *({"tenure": 1} | record for record in sent))
    assert rows.identifiers.to_pylist() == [str(2**62), "a", "7", None, None]
    assert [fault.row for fault in rows.faults] == [2, 3]


def test_identifier_sent_twice(folder):
    """An identifier under both names is a fault of its row."""
    assert faults_of(read_ndjson(folder, {"tenure": 1, "customer_id": "a", "customerID": "b"})) == [
        (0, 0, "customer_id", "sent-twice")
    ]


def test_kept_members(folder):
    """Features are kept by their type, other members as text, unknown ones as null."""
    lines = {"tenure": 1, "note": "é", "more": {"a": 1}}, {"tenure": "x", "charges": 2, "note": None}, b"{"
    rows = read_ndjson(folder, *lines, keep=("note", "tenure", "more", "charges", "none"))
    assert rows.kept.to_pydict() == {
        "note": ["é", None, None],
        "tenure": [1, None, None],
        "more": ['{"a":1}', None, None],
        "charges": [None, 2.0, None],
        "none": [None, None, None],
    }
    assert rows.kept.schema.field("tenure").type == pa.int64()


def test_keep_all_members(folder):
    """With all members kept, only the signature's features are, since other members are not known in advance."""
    assert read_ndjson(folder, {"tenure": 1, "note": "x"}, keep=None).kept.column_names == [
        item.name for item in SIGNATURE.features
    ]
    with pytest.raises(TableFaults, match="risk_band"):
        read_ndjson(folder, {"tenure": 1}, keep=("risk_band",))


# --- for any signature and any table, rows are validated like their records

BLANK = " \t\r\n\v\f\xa0"
TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "\t", "\xa0", "3", "3.0", " 3 ", "-0", "007", "+5", "1e5", "5.", ".5", "1e400", "-1e-400"]
    ),
    st.sampled_from(["nan", "inf", "1_0", "Yes", "NO", " true", "False", "1", "0", "a", " b", "é", "abcdef", "\u202e"]),
    st.sampled_from(["a\nb", 'a"b', "a,b", "a;b", "9007199254740993", "9" * 400, "2" * 5000, "0." + "1" * 40]),
    st.integers(-6, 6).map(str),
    st.floats().map(repr),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
)
STORED = {
    pa.string(): TEXTS,
    pa.large_string(): TEXTS,
    pa.dictionary(pa.int32(), pa.string()): TEXTS,
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-6, 6),
    pa.int64(): st.integers(-6, 6) | st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 6) | st.integers(2**53 - 1, 2**64 - 1),
    pa.float64(): st.floats() | st.integers(-6, 6).map(float),
    pa.float32(): st.floats(width=32),
    pa.date32(): st.dates(),
}


@st.composite
def tables(draw, of, columns_of):
    """A table with every required column, after an extra column so that no row is blank."""
    names = [item.name for item in of.features]
    optional = [item.name for item in of.features if not item.required]
    left_out = draw(st.lists(st.sampled_from(optional), unique=True)) if optional else []
    identifiers = draw(st.sampled_from([[], ["customer_id"], [of.identifier or "customer_id"]]))
    rows = draw(st.integers(0, 5))
    taken = draw(st.permutations([name for name in [*names, *identifiers] if name not in left_out]))
    return pa.table({"the other one": ["x"] * rows} | {name: draw(columns_of(rows)) for name in taken})


def text_columns(rows):
    return st.lists(TEXTS, min_size=rows, max_size=rows).map(lambda cells: pa.array(cells, pa.string()))


@st.composite
def stored_columns(draw, rows):
    kind = draw(st.sampled_from(list(STORED)))
    return pa.array(draw(st.lists(st.none() | STORED[kind], min_size=rows, max_size=rows)), kind)


def record_of(of, row):
    """A row's cells as the JSON record that they represent, cell by cell."""
    features = {item.name: item for item in of.features}
    record = {}
    for name, stored in row.items():
        cell = stored.isoformat() if isinstance(stored, date) else stored
        if cell is None or str(cell).strip(BLANK) == "" or (isinstance(cell, float) and math.isnan(cell)):
            continue
        if name in features or name in ("customer_id", of.identifier):
            record[name] = value_of(features[name], cell) if name in features else cell
    return record


def value_of(item, cell):
    if item.type == "string":
        return words_of(cell).strip(BLANK)
    if not isinstance(cell, str):
        return cell == 1 if item.type == "boolean" and cell in (0, 1) else cell
    cell = cell.strip(BLANK)
    if item.type == "boolean":
        yes, no = {"yes", "true", "1", "y", "t", "true.", "1.0"}, {"no", "false", "0", "n", "f", "false.", "0.0"}
        return cell.lower() in yes if cell.lower() in yes | no else cell
    is_number = re.fullmatch(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?", cell, re.ASCII)
    return float(cell) if is_number else cell


def words_of(cell):
    if isinstance(cell, bool | int):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**63:
        return str(int(cell))
    return cell if isinstance(cell, str) else pa.scalar(cell).cast(pa.string()).as_py()


def no_json(hint):
    """Hints about JSON's quotes do not apply to cells."""
    return None if hint and hint.endswith("without quotes.") else hint


def check(of, rows, records, to_hint=no_json):
    """Check that rows match record.py's result for each record; None stands for a row that is not a record."""
    good, values, faults, reader = [], [], [], RecordReader(of)
    for row, record in enumerate(records):
        try:
            if record is None:
                faults.append((row, None, "malformed-json", "The line is not one JSON object.", None))
                continue
            values.append(reader.read(record).values)
            good.append(row)
        except InvalidRecord as error:
            faults += [(row, fault.path[0], fault.code, fault.message, to_hint(fault.hint)) for fault in error.faults]
    expected = ColumnsBuilder(of).build_from_rows(values)
    np.testing.assert_array_equal(rows.columns.numbers, expected.numbers)
    assert rows.columns.texts.tolist() == expected.texts.tolist()
    assert (rows.good.tolist(), rows.count) == (good, len(records))
    assert [(fault.row, fault.column, fault.code, fault.message, fault.hint) for fault in rows.faults] == faults
    for index, item in enumerate(of.features):
        unseen = sum(row[index] is not None and row[index] not in item.choices for row in values) if item.open else 0
        assert rows.unseen.get(item.name, 0) == unseen


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_csv_rows_are_validated_like_records(tmp_path_factory, data):
    """For any signature and any text, a CSV row has the same validity, values and faults as its record."""
    of = data.draw(signatures())
    table = data.draw(tables(of, text_columns))
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [table.column_names, *zip(*table.to_pydict().values(), strict=True)]
    )
    rows = read_csv(tmp_path_factory.getbasetemp(), text.getvalue(), of=of) if table.num_rows else None
    if rows:
        check(of, rows, [record_of(of, row) for row in table.to_pylist()])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_parquet_rows_are_validated_like_records(tmp_path_factory, data):
    """For any signature and any types, a Parquet row has the same validity, values and faults as its record."""
    of = data.draw(signatures())
    table = data.draw(tables(of, stored_columns))
    if table.num_rows:
        rows = read_parquet(tmp_path_factory.getbasetemp(), table, of=of)
        check(of, rows, [record_of(of, row) for row in table.to_pylist()])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_lines_are_validated_like_records(tmp_path_factory, data):
    """For any signature and any values, a line has the same validity, values and faults as its record."""
    of = data.draw(signatures())
    sent = data.draw(st.lists(records(of) | VALUES, min_size=1, max_size=5))
    rows = read_ndjson(tmp_path_factory.getbasetemp(), *map(serialised, sent), of=of)
    known = {item.name for item in of.features} | {"customer_id", of.identifier}
    payloads = [orjson.loads(serialised(value)) for value in sent]
    check(
        of,
        rows,
        [
            {name: value for name, value in payload.items() if name in known} if isinstance(payload, dict) else None
            for payload in payloads
        ],
        to_hint=lambda hint: hint,
    )
