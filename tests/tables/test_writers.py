import csv
import datetime as dt
import decimal
import io
import json
import math

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_files import prepare

from churn_api.contract.size_limits import Bounds
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import Block
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import read_layout
from churn_api.tables.writers import Joiner, encode

TABLE = pa.table(
    {
        "id": ["=1+1", None, 'say "hi", ok', "", "line\r\nbreak", "é"],
        "p": [0.1, 1 / 3, 5e-324, 1e22, None, -0.0],
        "n": [1, None, -(2**63), 2**63 - 1, 5, 6],
        "yes": [True, False, None, True, True, True],
    }
)


def joined(parts, kind, schema, part_format=None):
    sink = io.BytesIO()
    joiner = Joiner(sink, kind, schema, part_format)
    for part in parts:
        joiner.add(part)
    joiner.close()
    return sink.getvalue()


def file_of(table, kind, size=4):
    """A file of the table, joined from parts of a few rows."""
    starts = range(0, table.num_rows, size)
    parts = [encode(table.slice(start, size), FORMATS[kind].part_format) for start in starts]
    return joined(parts, kind, table.schema)


def read_stored(data, kind):
    return pa.parquet.read_table(io.BytesIO(data)) if kind == "parquet" else pa.ipc.open_stream(data).read_all()


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_stored(kind):
    """Parquet and Arrow preserve every value with its type."""
    assert read_stored(file_of(TABLE, kind), kind).equals(TABLE)


def test_parts_of_a_data_set():
    """Parts in Parquet give the same file, byte for byte, as parts in Arrow."""
    parts = [encode(TABLE.slice(start, 4), "parquet") for start in (0, 4)]
    assert pa.parquet.read_table(io.BytesIO(parts[0])).equals(TABLE.slice(0, 4))
    assert joined(parts, "parquet", TABLE.schema, "parquet") == file_of(TABLE, "parquet")


def test_csv():
    """CSV has one header; cells are unchanged, quoted where necessary, and blank where missing."""
    rows = list(csv.reader(io.StringIO(file_of(TABLE, "csv").decode(), newline="")))
    assert rows == [
        ["id", "p", "n", "yes"],
        ["=1+1", "0.1", "1", "true"],
        ["", "0.3333333333333333", "", "false"],
        ['say "hi", ok', "5e-324", "-9223372036854775808", ""],
        ["", "1e+22", "9223372036854775807", "true"],
        ["line\r\nbreak", "", "5", "true"],
        ["é", "-0", "6", "true"],
    ]


def test_ndjson():
    """NDJSON has one object per line, with null for missing values."""
    assert [json.loads(line) for line in file_of(TABLE, "ndjson").splitlines()] == TABLE.to_pylist()


@pytest.mark.parametrize("kind", FORMATS)
def test_no_rows(tmp_path, kind):
    """A file without rows is complete: its columns can be read."""
    schema = pa.schema([("a,b", pa.string()), ("p", pa.float64())])
    data = joined([], kind, schema)
    path = tmp_path / "a.table"
    path.write_bytes(data)
    if data == b"":
        assert FORMATS[kind].header_rows == 0
    else:
        layout = read_layout(prepare(path, kind, tmp_path, Bounds(10_000)), kind)
        assert layout.names == ("a,b", "p")
        assert list(blocks(layout)) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_part_of_no_rows(kind):
    """A part may have no rows."""
    parts = [encode(rows, FORMATS[kind].part_format) for rows in (TABLE.slice(0, 0), TABLE, TABLE.slice(0, 0))]
    data = joined(parts, kind, TABLE.schema)
    if kind in ("parquet", "arrow"):
        assert read_stored(data, kind).equals(TABLE)
    else:
        assert data == joined([parts[1]], kind, TABLE.schema)


@settings(deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_doubles_come_back(numbers):
    """Every double survives a round trip through CSV and NDJSON."""
    table = pa.table({"p": numbers, "q": numbers})
    text = [json.loads(line)["p"] for line in encode(table, "ndjson").splitlines()]
    cells = [float(line.split(b",")[0]) for line in encode(table, "csv").splitlines()]
    for read_back in (text, cells):
        assert [(number, math.copysign(1, number)) for number in read_back] == [
            (number, math.copysign(1, number)) for number in numbers
        ]


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_dates_and_decimals_as_text(kind):
    """Types that JSON and CSV lack are written as text, the same in both."""
    moment = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)
    table = pa.table(
        {
            "day": [moment.date()],
            "time": [moment.time()],
            "moment": pa.array([moment], pa.timestamp("s", "UTC")),
            "price": [decimal.Decimal("1.50")],
            "nothing": pa.nulls(1),
        }
    )
    line = encode(table, kind).decode()
    cells = next(csv.reader([line])) if kind == "csv" else list(json.loads(line).values())
    assert cells == ["2024-05-01", "12:30:00.000000", "2024-05-01 12:30:00Z", "1.50", "" if kind == "csv" else None]


def test_written_csv_is_read(tmp_path):
    """A written CSV file reads back as the same table, cell by cell."""
    path = tmp_path / "a.csv"
    path.write_bytes(file_of(TABLE, "csv"))
    layout = read_layout(path, "csv")
    cells = FORMATS["csv"].read_cells(layout, next(blocks(layout)), ["id"])
    assert cells.table["id"].to_pylist() == [text or "" for text in TABLE["id"].to_pylist()]
    assert Block(0, layout.start, layout.stop) == next(blocks(layout))


@pytest.mark.parametrize("kind", FORMATS)
def test_parts_are_independent(kind):
    """A part is the same whichever process made it, and contains only its own rows."""
    parts = [encode(TABLE.slice(start, 2), kind) for start in (0, 2, 4)]
    assert [encode(TABLE.slice(start, 2), kind) for start in (4, 2, 0)] == parts[::-1]
