import csv
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
from churn_api.tables.layout import read_layout
from churn_api.tables.table_errors import TableError

CELLS = st.text(st.sampled_from('ab,;" \r\né'), max_size=8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks") / "table.csv"


def cut(path, data, window, kind="csv", after=None):
    """The layout and the blocks of a text, split with windows of a few bytes."""
    path.write_bytes(data)
    layout = read_layout(path, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "TEXT_BYTES", window)
        return layout, list(blocks(layout, after))


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_short_rows(path, monkeypatch, kind, ending):
    """A block of text has a maximum number of lines, however short they are; a longer row is not split."""
    monkeypatch.setattr(text_blocks, "TEXT_LINES", 10)
    long = b'"' + b"x\n" * 30 + b'",y' if kind == "csv" else b"{" + b" " * 60 + b"}"
    rows = [b"{}"] * 24 + [long] + [b"{}"] * 7
    data = (b"a,b" + ending if kind == "csv" else b"") + ending.join(rows)
    layout, file_blocks = cut(path, data, 1 << 20, kind)
    cuts = [data[block.start : block.stop] for block in file_blocks]
    assert b"".join(cuts) == data[layout.start :]
    assert all(cut.count(b"\n") <= 10 for cut in cuts if long not in cut)
    assert all(cut.endswith(b"\n") for cut in cuts[:-1])


@pytest.mark.parametrize(
    ("kind", "blank"),
    [*(("csv", blank) for blank in (b"\n", b"\r\n", b"\r")), *(("ndjson", blank) for blank in (b"\n", b" \t\r\n"))],
)
def test_blank_lines(path, monkeypatch, kind, blank):
    """Blank lines do not count towards the maximum number of lines of a block."""
    monkeypatch.setattr(text_blocks, "TEXT_LINES", 10)
    ending = blank.lstrip(b" \t") if kind == "csv" else b"\n"
    row = (b"1,2" if kind == "csv" else b"{}") + ending
    data = (b"a,b" + ending if kind == "csv" else b"") + (blank * 30 + row) * 25 + blank * 1000
    layout, file_blocks = cut(path, data, 1 << 20, kind)
    cuts = [data[block.start : block.stop] for block in file_blocks]
    assert b"".join(cuts) == data[layout.start :]
    assert sum(cut.count(row) for cut in cuts) == 25
    assert all(cut.count(row) <= 10 for cut in cuts)
    assert len(cuts) < 5


def text_of(rows, **dialect):
    sink = io.StringIO()
    writer = csv.writer(sink, **dialect)
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    return sink.getvalue().encode()


def rows_of(data, delimiter):
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=12),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    delimiter=st.sampled_from(",;\t"),
    window=st.integers(1, 60),
    ends_with_newline=st.booleans(),
)
def test_cut_at_the_ends_of_rows(path, rows, ending, quoting, delimiter, window, ends_with_newline):
    """Blocks cover the data from start to end, and each consists of complete rows."""
    data = text_of(rows, lineterminator=ending, quoting=quoting, delimiter=delimiter)
    data = data if ends_with_newline else data.removesuffix(ending.encode())
    layout, file_blocks = cut(path, data, window)
    assert [block.number for block in file_blocks] == list(range(len(file_blocks)))
    assert [layout.start, *(block.stop for block in file_blocks)] == [
        *(block.start for block in file_blocks),
        len(data),
    ]
    parts = [data[block.start : block.stop] for block in file_blocks]
    assert [row for part in parts for row in rows_of(part, delimiter)] == rows_of(data, delimiter)[1:]


@settings(deadline=None)
@given(
    text=st.text(st.sampled_from('ab,"\r\n'), max_size=60),
    window=st.integers(1, 20),
    data=st.data(),
)
def test_cut_anywhere(path, text, window, data):
    """For misplaced quotes too, splitting after a block gives the same blocks as splitting from the start."""
    content = b"first,second,third\n" + text.encode()
    layout, file_blocks = cut(path, content, window)
    if file_blocks:
        after = data.draw(st.sampled_from(file_blocks))
        assert cut(path, content, window, after=after)[1] == file_blocks[after.number + 1 :]
    assert b"".join(content[block.start : block.stop] for block in file_blocks) == content[layout.start :]


def test_window_without_quotes(path):
    """A window without quotes is split after its last line feed."""
    _, file_blocks = cut(path, b"a,b\n1,2\n3,4\n5,6", 9)
    assert file_blocks == [Block(0, 4, 12), Block(1, 12, 15)]


def test_old_macintosh(path):
    """Rows may end in carriage returns only."""
    data = b"a,b\r" + b"1,2\r" * 5
    assert [data[block.start : block.stop] for block in cut(path, data, 9)[1]] == [b"1,2\r1,2\r"] * 2 + [b"1,2\r"]


def test_ndjson(path):
    """NDJSON is split at line feeds, whatever its quotes."""
    data = b'{"a": "\\""}\n' * 10
    _, file_blocks = cut(path, data, 30, "ndjson")
    assert [block.stop - block.start for block in file_blocks] == [24] * 5


def test_quote_that_is_never_closed(path, monkeypatch):
    """A quote that is never closed is reported with its line, without reading a large file to its end."""
    monkeypatch.setattr(text_blocks, "MAX_ROW_BYTES", 1000)
    with pytest.raises(TableError, match=r"^table\.csv, line 12: a quote is opened and never closed$"):
        cut(path, b"a,b\n" + b"1,2\n" * 10 + b'1,"2\n' + b"1,2\n" * 1000, 20)


def test_endless_line(path, monkeypatch):
    """A line of NDJSON that does not end is reported with its number."""
    monkeypatch.setattr(text_blocks, "MAX_ROW_BYTES", 1000)
    with pytest.raises(TableError, match=r"line 3: this is longer than a row can be"):
        cut(path, b"{}\n{}\n" + b"x" * 3000, 20, "ndjson")


def test_no_rows(path):
    """A file with only a header has no blocks."""
    assert cut(path, b"a,b\n", 10)[1] == []


@pytest.mark.parametrize(
    ("group_rows", "sizes"),
    [
        (4 * ROWS, [4 * ROWS, 2 * ROWS]),
        (5 * ROWS + 7, [*[ROWS] * 5, 7, ROWS - 7]),
        (3 * ROWS, [3 * ROWS, 3 * ROWS]),
    ],
)
def test_parquet(tmp_path, group_rows, sizes):
    """A row group is one block, a large one several; no block spans two row groups."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table({"a": range(6 * ROWS)}), path, row_group_size=group_rows)
    layout = read_layout(path, "parquet")
    file_blocks = list(blocks(layout))
    assert [block.stop - block.start for block in file_blocks] == sizes
    assert list(blocks(layout, file_blocks[0])) == file_blocks[1:]
    assert list(blocks(layout, file_blocks[-1])) == []


@pytest.mark.parametrize("rows", [0, 1, ROWS, ROWS + 1])
def test_arrow(tmp_path, rows):
    """A prepared Arrow file is split by rows."""
    path = tmp_path / "a.arrow"
    table = pa.table({"a": range(rows)})
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
    layout = read_layout(prepare(path, "arrow", tmp_path, Bounds(1 << 30)), "arrow")
    file_blocks = list(blocks(layout))
    assert sum(block.stop - block.start for block in file_blocks) == rows
    assert all(0 < block.stop - block.start <= ROWS for block in file_blocks)
    assert list(blocks(layout, Block(0, 0, min(rows, ROWS)))) == file_blocks[1:]


def test_empty_row_groups(tmp_path):
    """Empty row groups give no blocks."""
    path = tmp_path / "a.parquet"
    table = pa.table({"a": [1, 2]})
    with pa.parquet.ParquetWriter(path, table.schema) as writer:
        for part in (table.slice(0, 0), table, table.slice(0, 0), table):
            writer.write_table(part)
    assert list(blocks(read_layout(path, "parquet"))) == [Block(0, 0, 2), Block(1, 2, 4)]
