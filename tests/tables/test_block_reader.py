import csv
import datetime as dt
import io

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_files import prepare

from churn_api.contract.size_limits import Bounds
from churn_api.tables import text_blocks
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import BLOCK_ROWS as ROWS
from churn_api.tables.file_parts import Block
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import read_layout
from churn_api.tables.table_errors import TableError, TooLarge
from churn_api.tables.writers import encode

HEADER = ["first", "second", "third"]
CELLS = st.text(st.sampled_from('ab,;" \r\né\ufeff'), max_size=8)


def read_cells(layout, block, names):
    return FORMATS[layout.format].read_cells(layout, block, names)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("cells") / "table.csv"


def read(path, data, names=None, window=1 << 22):
    """The cells of each block of a CSV text."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    layout = read_layout(path, "csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "TEXT_BYTES", window)
        return [read_cells(layout, block, layout.names if names is None else names) for block in blocks(layout)]


def all_rows(parts):
    """Row and line in the file, and cells, of each row that is not ragged; row, line and width of those that are."""
    good, ragged, rows, lines = [], [], 0, 0
    for part in parts:
        line_of = range(part.rows) if part.line_of is None else part.line_of.tolist()
        columns = [column.to_pylist() for column in part.table.columns]
        for row, *cells in zip(part.positions.tolist(), *columns, strict=True):
            good.append((rows + row, lines + line_of[row], cells))
        ragged += [(rows + row, lines + line_of[row], cells) for row, cells, _ in part.ragged]
        rows, lines = rows + part.rows, lines + part.lines
    return good, ragged


def expected_rows(text):
    """The same cells, read by Python's csv module."""
    good, ragged, rows, line = [], [], 0, 0
    reader = csv.reader(io.StringIO(text, newline=""))
    for cells in reader:
        if len(cells) == len(HEADER):
            good.append((rows, line, cells))
        elif cells:
            ragged.append((rows, line, len(cells)))
        rows, line = rows + bool(cells), reader.line_num
    return good, ragged


def text_of(rows, **dialect):
    sink = io.StringIO()
    csv.writer(sink, **dialect).writerows(rows)
    return sink.getvalue()


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4) | st.lists(CELLS, min_size=3, max_size=3), max_size=12),
    ending=st.sampled_from(["\n", "\r\n"]),
    blank=st.sampled_from(["", "\n", "\r\n\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    window=st.integers(1, 80),
)
def test_as_python_reads_it(path, rows, ending, blank, quoting, window):
    """Blocks together give the same cells, rows and lines as Python's csv module for the complete file."""
    half = len(rows) // 2
    dialect = {"lineterminator": ending, "quoting": quoting}
    text = text_of(rows[:half], **dialect) + blank + text_of(rows[half:], **dialect) + blank
    parts = read(path, ",".join(HEADER) + ending + text, window=window)
    assert all_rows(parts) == expected_rows(text)


@settings(deadline=None)
@given(text=st.text(st.sampled_from('ab,,"\r\n'), max_size=60), window=st.integers(1, 40))
def test_as_python_reads_anything(path, text, window):
    """The same holds for misplaced quotes, except that a quote which is never closed is rejected."""
    try:
        parts = read(path, ",".join(HEADER) + "\n" + text, window=window)
    except TableError as error:
        assert "never closed" in str(error)
        last = [*csv.reader(io.StringIO(text + "\0", newline=""))][-1]
        assert "\0" in last[-1]
    else:
        assert all_rows(parts) == expected_rows(text)


def test_columns_asked_for(path):
    """Columns come in the requested order; without columns the rows are still counted."""
    (part,) = read(path, "a,b,c\n1, 2 ,\n4,,6\n", ["c", "b"])
    assert part.table.to_pydict() == {"c": ["", "6"], "b": [" 2 ", ""]}
    (part,) = read(path, "a,b,c\n1,2,3\n4,5,6\n", [])
    assert (part.table.column_names, part.rows, part.positions.tolist()) == ([], 2, [0, 1])


def test_ragged_rows(path):
    """A row with too few or too many cells is reported, and the others are read."""
    (part,) = read(path, "a,b\n1,2\n3\n\n4,5,6\n7,8\n")
    assert part.table.to_pydict() == {"a": ["1", "7"], "b": ["2", "8"]}
    assert part.ragged == [(1, 1, 2), (2, 3, 2)]
    assert (part.positions.tolist(), part.rows, part.lines) == ([0, 3], 4, 5)
    assert part.line_of.tolist() == [0, 1, 3, 4]


def test_one_line_each(path):
    """Where every row is one line, there is no array of line numbers."""
    (part,) = read(path, 'a,b\r\n1,"2"\r\n3,4')
    assert (part.rows, part.lines, part.line_of) == (2, 2, None)


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_empty_block(tmp_path, kind):
    """A block without rows has the columns."""
    path = tmp_path / f"a.{kind}"
    WRITE[kind](pa.table({"a": ["x"], "b": ["y"]}), path)
    layout = read_layout(prepare(path, kind, tmp_path, Bounds(1 << 30)), kind)
    cells = read_cells(layout, Block(0, layout.start, layout.start), ["b"])
    assert (cells.rows, cells.lines, cells.table.schema) == (0, 0, pa.schema([("b", pa.string())]))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"a,b\n1,2\n\xff,3\n", "table.csv, line 3: not UTF-8 text: save it as CSV UTF-8"),
        (b"a,b\n" + b"1,2\n" * 99_998 + b"3,\0\n", "table.csv, line 100000: this is no text"),
        (b"a,b\n1,2\na,b\n3,4\n", "table.csv, line 3: the header stands again: are these two files in one?"),
        (b"a,b\r\n1,2\r\n\xef\xbb\xbfa,b", "table.csv, line 3: the header stands again"),
        (b"a,b\na,b\n", "table.csv, line 2: the header stands again"),
        (b'a,b\n1,"2"\n3,"4\n5,6\n', "table.csv, line 3: a quote is opened and never closed"),
    ],
)
def test_no_table(path, data, complaint):
    """A file that is not a table is rejected with the line at fault, and no cell is repeated."""
    with pytest.raises(TableError) as caught:
        read(path, data)
    assert str(caught.value).startswith(complaint)


def test_line_of_a_later_block(path):
    """The line of an error is counted from the top of the file."""
    with pytest.raises(TableError, match="line 52: the header stands again"):
        read(path, b"a,b\n" + b"1,2\n" * 50 + b"a,b\n3,4\n", window=20)


def test_parts_of_a_header(path):
    """A row that only resembles the header is a row."""
    (part,) = read(path, "a,b\na,bc\nxa,b\na,\n")
    assert part.rows == 3


def write_arrow(table, path):
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


WRITE = {
    "csv": lambda table, path: path.write_text(",".join(table.column_names) + "\n"),
    "parquet": pa.parquet.write_table,
    "arrow": write_arrow,
}


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_as_stored(tmp_path, kind):
    """Columns keep their types, but dictionaries are decoded, text has one type, and timestamps are in UTC."""
    path = tmp_path / "a.table"
    moment = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
    table = pa.table(
        {
            "integer": pa.array([1, None], pa.int16()),
            "number": [0.1, float("nan")],
            "boolean": [True, None],
            "text": pa.array(["x", None], pa.large_string()),
            "category": pa.array(["x", "x"]).dictionary_encode(),
            "day": [dt.date(2024, 5, 1), None],
            "moment": pa.array([moment, None], pa.timestamp("us", "Europe/Berlin")),
            "nothing": pa.nulls(2),
        }
    )
    WRITE[kind](table, path)
    layout = read_layout(prepare(path, kind, tmp_path, Bounds(1 << 30)), kind)
    (block,) = blocks(layout)
    cells = read_cells(layout, block, layout.names)
    assert cells.table.schema.types == [
        pa.int16(),
        pa.float64(),
        pa.bool_(),
        pa.string(),
        pa.string(),
        pa.date32(),
        pa.timestamp("us", "UTC"),
        pa.null(),
    ]
    assert cells.table.drop_columns("number").to_pylist() == table.drop_columns("number").to_pylist()
    assert (cells.rows, cells.lines, cells.line_of, cells.ragged, cells.positions.tolist()) == (2, 2, None, [], [0, 1])
    assert read_cells(layout, block, []).rows == 2


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("values", [[[1]], [{"x": 1}], [b"\xff"]])
def test_nested(tmp_path, kind, values):
    """A column of lists, structs or bytes is rejected by its position where it is requested, and ignored otherwise."""
    path = tmp_path / "a.table"
    WRITE[kind](pa.table({"a": values, "b": [1]}), path)
    layout = read_layout(prepare(path, kind, tmp_path, Bounds(1 << 30)), kind)
    (block,) = blocks(layout)
    assert read_cells(layout, block, ["b"]).table.to_pydict() == {"b": [1]}
    with pytest.raises(
        TableError, match=r"column 1 holds no single values: only text, numbers and booleans can be read"
    ):
        read_cells(layout, block, ["a"])


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_same_bytes(tmp_path, kind):
    """A block read by itself gives the same part, byte for byte, as one read after the earlier blocks."""
    path, rows = tmp_path / "a.table", 5 * ROWS + 3
    table = pa.table({"a": [None if row % 50_000 == 0 else str(row) for row in range(rows)], "b": range(rows)})
    WRITE[kind](table, path)
    layout = read_layout(prepare(path, kind, tmp_path, Bounds(1 << 30)), kind)
    for written in FORMATS:
        parts = [encode(read_cells(layout, block, ["a", "b"]).table, written) for block in blocks(layout)]
        alone = [encode(read_cells(layout, block, ["a", "b"]).table, written) for block in [*blocks(layout)][::-1]]
        assert alone[::-1] == parts


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_any_order(tmp_path, kind):
    """Blocks of a large file give the same rows in any order, and with other columns read in between."""
    path, rows = tmp_path / "a.table", 7 * ROWS + 3
    table = pa.table({"a": range(rows), "a.b": [str(row) for row in range(rows)]})
    WRITE[kind](table, path)
    layout = read_layout(prepare(path, kind, tmp_path, Bounds(1 << 30)), kind)
    all_blocks = list(blocks(layout))
    assert len(all_blocks) == 8
    for number, names in (
        (0, ["a"]),
        (3, ["a"]),
        (1, ["a"]),
        (7, ["a.b", "a"]),
        (7, ["a"]),
        (2, ["a.b"]),
        (3, ["a.b"]),
    ):
        start, stop = all_blocks[number].start, all_blocks[number].stop
        assert read_cells(layout, all_blocks[number], names).table.equals(
            table.slice(start, stop - start).select(names)
        )


def test_row_groups(tmp_path):
    """Blocks of many row groups, some of them empty or large, give every row once and in order."""
    path = tmp_path / "a.parquet"
    table = pa.table({"a": range(9 * ROWS)})
    with pa.parquet.ParquetWriter(path, table.schema) as writer:
        for start, stop in ((0, 5), (5, 5), (5, 6 * ROWS), (6 * ROWS, 9 * ROWS)):
            writer.write_table(table.slice(start, stop - start))
    layout = read_layout(path, "parquet")
    assert pa.concat_tables([read_cells(layout, block, ["a"]).table for block in blocks(layout)]).equals(table)


def test_parquet_bomb(tmp_path):
    """A small file that repeats one long text in every row is rejected before its rows fill the memory."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"a": ["x" * 100] * 50_000}), path)
    layout = read_layout(path, "parquet")._replace(block_bytes=1 << 20)
    with pytest.raises(TooLarge, match=r"a\.parquet decompresses to more than 1048576 bytes"):
        read_cells(layout, next(blocks(layout)), ["a"])


def test_damaged_parquet(tmp_path):
    """Corrupt pages are detected before or while they are read."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"a": range(10_000)}), path)
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"\xff" * 1000 + data[1004:])
    with pytest.raises(TableError, match=r"a\.parquet is (not a complete Parquet file|damaged)"):
        read_cells(layout := read_layout(path, "parquet"), next(blocks(layout)), ["a"])
