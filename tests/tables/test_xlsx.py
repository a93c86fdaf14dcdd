"""Excel workbooks: reading those of other programs, and writing those that other programs read."""

import datetime as dt
import errno
import gc
import io
import math
import random
import re
import struct
import zipfile
from contextlib import closing, suppress

import openpyxl
import pyarrow as pa
import pytest
from builders import feature, signature
from hypothesis import given, settings
from hypothesis import strategies as st
from table_files import prepare, workbook_of

from churn_api.contract.record import RecordReader
from churn_api.contract.size_limits import Bounds
from churn_api.tables import workbook, workbook_writer
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import BLOCK_ROWS, Block
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import read_layout
from churn_api.tables.table_errors import TableError, TooLarge
from churn_api.tables.writers import Joiner, encode

MAX_BYTES = 10_000_000
SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workbooks")


def written(rows, path, **formats):
    """A workbook written by openpyxl; `formats` are number formats by cell."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell, number_format in formats.items():
        book.active[cell].number_format = number_format
    book.save(path)
    return path


def read(path, max_bytes=MAX_BYTES):
    """The rows of a workbook, read from its prepared file."""
    layout = read_layout(prepare(path, "xlsx", path.parent, Bounds(max_bytes)), "xlsx")
    with pa.ipc.open_file(layout.path) as file:
        return file.read_all()


def made(folder, sheet, **parts):
    path = folder / "made.xlsx"
    path.write_bytes(workbook_of(sheet, **parts))
    return path


# --- reading


def test_types(folder):
    """Columns are integers, numbers, booleans or text; mixed columns are text, integers without a fraction."""
    header = ["whole", "number", "yes", "text", "mixed", "blank", "int and bool"]
    rows = [
        header,
        [1, 1.5, True, "a", 3.0, None, 1],
        [2.0, 2, False, " ", "x", None, True],
        [None] * 4 + [2.5, None, None],
    ]
    table = read(written(rows, folder / "a.xlsx"))
    assert table.to_pydict() == {
        "whole": [1, 2, None],
        "number": [1.5, 2.0, None],
        "yes": [True, False, None],
        "text": ["a", " ", None],
        "mixed": ["3", "x", "2.5"],
        "blank": [None] * 3,
        "int and bool": ["1", "true", None],
    }
    assert table.schema.types[:3] == [pa.int64(), pa.float64(), pa.bool_()]


def test_types_over_many_batches(folder, monkeypatch):
    """The type of a column depends on all its cells, wherever in the sheet they are."""
    monkeypatch.setattr("churn_api.tables.xlsx._BATCH_CELLS", 4)
    rows = [
        ["a", "b", "c"],
        *([n, n, None] for n in range(10)),
        [10.5, "x", True],
        *([n, n, False] for n in range(11, 20)),
    ]
    table = read(written(rows, folder / "a.xlsx"))
    assert table["a"].to_pylist() == [*map(float, range(10)), 10.5, *map(float, range(11, 20))]
    assert table["b"].to_pylist() == [*map(str, range(10)), "x", *map(str, range(11, 20))]
    assert table["c"].to_pylist() == [None] * 10 + [True] + [False] * 9


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (dt.date(2024, 1, 5), "yyyy-mm-dd", "2024-01-05"),
        (dt.datetime(2024, 1, 5, 10, 30), "dd/mm/yyyy hh:mm", "2024-01-05 10:30:00"),
        (dt.time(10, 30, 15), "h:mm:ss", "10:30:15"),
        (60.5, "m/d/yy", "1900-02-28 12:00:00"),
        (59, "m/d/yy", "1900-02-28"),
        (1, "m/d/yy", "1900-01-01"),
        (45296, '[$-409]d" of "mmm;@', "2024-01-05"),
        (1.5, "[h]:mm", 1.5),
        (1234, '#,##0" days"', 1234),
        (1234, "[Red]0.00E+00", 1234),
        (-5, "m/d/yy", "1899-12-26"),
        (1e9, "m/d/yy", 1e9),
    ],
)
def test_dates(folder, value, number_format, expected):
    """Cells formatted as a date or a time become ISO text; other formats change nothing."""
    table = read(written([["a"], [value]], folder / "a.xlsx", A2=number_format))
    assert table["a"].to_pylist() == [expected]


def test_dates_of_1904(folder):
    """Workbooks with the 1904 date system are read correctly."""
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["a"])
    book.active.append([dt.date(2024, 1, 5)])
    book.save(folder / "a.xlsx")
    assert read(folder / "a.xlsx")["a"].to_pylist() == ["2024-01-05"]


def test_first_sheet_alone(folder):
    """The first worksheet in the workbook's order is read; chart sheets are skipped."""
    book = openpyxl.Workbook()
    book.active.append(["second"])
    book.create_sheet("first", 0).append(["one"])
    book.create_chartsheet("chart", 0)
    book.save(folder / "a.xlsx")
    assert read(folder / "a.xlsx").column_names == ["one"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("<c><v>1</v></c><c><v>2</v></c>", [1, 2]),
        ('<c r="B2"><v>2</v></c>', [None, 2]),
        ('<c r="A2" t="str"><f>A1&amp;""</f><v>x</v></c>', ["x", None]),
        ('<c t="e"><v>#N/A</v></c>', ["#N/A", None]),
        ('<c t="d"><v>2024-01-05</v></c>', ["2024-01-05", None]),
        ("<c><f>1+1</f></c>", [None, None]),
        (
            '<c t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r><rPh><t>no</t></rPh></is></c>',
            ["a b", None],
        ),
        ('<c t="inlineStr"><is><t>_x0041_ _x005F_x0041_ _xD83D_</t></is></c>', ["A _x0041_ _xD83D_", None]),
        ('<c t="inlineStr"><is><t>&lt;&amp;&#233;</t></is></c>', ["<&é", None]),
    ],
)
def test_cells_of_other_programs(folder, cells, expected):
    """Cells without a reference, results of formulas, errors, rich text and escapes are read as they are shown."""
    header = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
    )
    (row,) = read(made(folder, f'{header}<row r="2">{cells}</row><row r="3"/>')).to_pylist() or [{"a": None, "b": None}]
    assert list(row.values()) == expected


def test_prefixed_names(folder):
    """Elements may have a namespace prefix."""
    rows = '<x:row><x:c t="str"><x:v>a</x:v></x:c></x:row><x:row><x:c><x:v>7</x:v></x:c></x:row>'
    sheet = f'<x:worksheet xmlns:x="urn:x"><x:sheetData>{rows}</x:sheetData></x:worksheet>'
    assert read(made(folder, f"<!-- <worksheet -->{sheet}")).to_pydict() == {"a": [7]}


def test_blank_rows(folder):
    """Blank rows between others count, so that row numbers are right; blank rows at the end do not."""
    rows = [["tenure"], [1], [None], [-1], [None], [None]]
    path = written(rows, folder / "a.xlsx", A6="0.00")
    layout = read_layout(prepare(path, "xlsx", folder, Bounds(MAX_BYTES)), "xlsx")
    reader = FORMATS[layout.format].reader(
        RecordReader(signature(feature("tenure", minimum=0))), layout, (), frozenset()
    )
    (block,) = blocks(layout)
    result = reader.read(block)
    assert (result.count, [(fault.row, fault.code) for fault in result.faults]) == (3, [(2, "too-small")])


def test_blocks(folder):
    """A large sheet is split into blocks like Arrow, the same wherever splitting resumes."""
    path = written([["a"], *([n] for n in range(BLOCK_ROWS + 5))], folder / "a.xlsx")
    layout = read_layout(prepare(path, "xlsx", folder, Bounds(MAX_BYTES)), "xlsx")
    assert [*blocks(layout)] == [Block(0, 0, BLOCK_ROWS), Block(1, BLOCK_ROWS, BLOCK_ROWS + 5)]
    assert [*blocks(layout, Block(0, 0, BLOCK_ROWS))] == [Block(1, BLOCK_ROWS, BLOCK_ROWS + 5)]


# --- invalid tables


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "row 1 of the first sheet is blank"),
        ([[None], ["a"]], "row 1 of the first sheet is blank"),
        ([["a", None, "c"], [1, 2, 3]], "column 2 has no name"),
        ([["a", "a"], [1, 2]], "columns 1 and 2 have the same name"),
        ([["a"], [1], [1, None, "private"]], "row 3: a cell stands in column C, which row 1 does not name"),
    ],
)
def test_no_table(folder, rows, complaint):
    """A sheet that is not a table is rejected with the reason, and no cell is repeated."""
    with pytest.raises(TableError, match=complaint) as caught:
        read(written(rows, folder / "a.xlsx"))
    assert "private" not in str(caught.value)


ROW = '<row r="1"><c t="str"><v>a</v></c></row>'


@pytest.mark.parametrize(
    ("sheet", "parts"),
    [
        ("<row>", {}),
        (f"{ROW}<row><c><v>private</v></c></row>", {}),
        (f"{ROW}<row><c><v>NaN</v></c></row>", {}),
        (f'{ROW}<row><c t="s"><v>0</v></c></row>', {}),
        (f'{ROW}<row><c t="s"><v>-1</v></c></row>', {}),
        (f'{ROW}<row r="1"><c><v>1</v></c></row>', {}),
        (f'{ROW}<row r="1048577"><c><v>1</v></c></row>', {}),
        (f'{ROW}<row r="2"><c r="XFE2"><v>1</v></c></row>', {}),
        (f'{ROW}<row r="2"><c r="&#65;é2"><v>1</v></c></row>', {}),
        (f'<!DOCTYPE w [<!ENTITY e "x">]><worksheet><sheetData>{ROW}</sheetData></worksheet>', {}),
        (ROW, {"workbook": "<workbook/>"}),
        (ROW, {"workbook": "no XML"}),
        (ROW, {"links": "<Relationships/>"}),
        (
            ROW,
            {"links": '<R><Relationship Id="rId1" Type="/worksheet" Target="../../away.xml"/></R>'},
        ),
        (ROW, {"_rels/.rels": "<Relationships/>"}),
    ],
)
def test_damaged_parts(folder, sheet, parts):
    """A workbook with malformed XML, entity declarations or missing parts is rejected."""
    with pytest.raises(TableError, match=r"made\.xlsx is not a complete Excel workbook") as caught:
        read(made(folder, sheet, **parts))
    assert "private" not in str(caught.value)


@pytest.mark.parametrize("cut", [0, 4, 100, -1, -30])
def test_cut_short(folder, cut):
    """A truncated workbook is rejected."""
    path = written([["a"], [1]], folder / "a.xlsx")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(TableError, match=r"a\.xlsx is not a complete Excel workbook"):
        read(path)


@settings(max_examples=300, deadline=None)
@given(fraction=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_any_byte_may_be_wrong(tmp_path_factory, fraction, byte):
    """A workbook with any byte changed is read, or raises TableError."""
    path = tmp_path_factory.getbasetemp() / "spoilt.xlsx"
    data = bytearray(encode(pa.table({"a": [1, 2], "b": ["x", "y"]}), "xlsx"))
    data[int(fraction * len(data))] = byte
    path.write_bytes(data)
    with suppress(TableError):
        assert read(path).num_rows <= 2


def test_encrypted(folder):
    """An encrypted workbook, which is not a ZIP, is rejected with what to do."""
    path = folder / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000))
    with pytest.raises(TableError, match=r"save it as \.xlsx without a password"):
        read(path)


# --- bounds


def test_what_it_decompresses_to(folder):
    """The actual decompressed sizes of parts count, not the sizes that the ZIP declares."""
    path = made(folder, ROW + '<row><c t="str"><v>x</v></c></row>' + " " * 3_000_000)
    assert path.stat().st_size < 10_000
    data = path.read_bytes()
    size = struct.pack("<L", zipfile.ZipFile(path).getinfo(SHEET).file_size)
    for lies in (data, data.replace(size, struct.pack("<L", 100))):
        path.write_bytes(lies)
        with pytest.raises(TableError):
            read(path, 2_000_000)
    path.write_bytes(data)
    with pytest.raises(TooLarge, match="decompresses to more than 2000000 bytes"):
        read(path, 2_000_000)
    assert read(path).num_rows == 1


def test_sparse_sheet(folder):
    """Two cells at the ends of a sheet count as all cells between them."""
    names = "".join(f'<c t="str"><v>{index}</v></c>' for index in range(1000))
    path = made(folder, f'<row>{names}</row><row r="1048576"><c><v>1</v></c></row>')
    with pytest.raises(TooLarge):
        read(path)


def test_shared_text(folder):
    """A long shared string counts for each cell that uses it."""
    links = (
        '<Relationships><Relationship Id="rId1" Type="/worksheet" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId2" Type="/sharedStrings" Target="texts.xml"/></Relationships>'
    )
    rows = ROW + '<row><c t="s"><v>0</v></c></row>' * 1000
    path = made(folder, rows, links=links, **{"xl/texts.xml": f"<sst><si><t>{'x' * 100_000}</t></si></sst>"})
    with pytest.raises(TooLarge):
        read(path)
    assert read(path, 1 << 30).num_rows == 1000


def test_many_parts(folder, monkeypatch):
    """A ZIP with too large a central directory is rejected before that is read."""
    monkeypatch.setattr(workbook, "MAX_DIRECTORY_BYTES", 1000)
    path = made(folder, ROW, **{f"part{number}": "" for number in range(20)})
    with pytest.raises(TooLarge, match="more parts than a workbook has"):
        read(path)


def test_long_tag(folder, monkeypatch):
    """A tag without an end is not collected in memory."""
    monkeypatch.setattr(workbook, "MAX_TOKEN_BYTES", 1000)
    monkeypatch.setattr(workbook, "_PIECE", 500)
    with pytest.raises(TableError, match="not a complete Excel workbook"):
        read(made(folder, f'{ROW}<row spans="{"1" * 5000}"><c/></row>'))


def test_other_compression(folder):
    """Parts with other compression methods than workbooks use are not decompressed."""
    path = made(folder, ROW)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(folder / "b.xlsx", "w", zipfile.ZIP_BZIP2) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    with pytest.raises(TableError, match="not a complete Excel workbook"):
        read(folder / "b.xlsx")


# --- writing


def file_of(*tables):
    sink = io.BytesIO()
    with closing(Joiner(sink, "xlsx", tables[0].schema)) as joiner:
        for table in tables:
            joiner.add(encode(table, "arrow"))
    return sink.getvalue()


def opened(data):
    """The rows that openpyxl reads."""
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)]


TABLE = pa.table(
    {
        "id": ["=1+1", None, 'say "hi" & <b>', " é ", "a\tb\nc", "007"],
        "p": [0.1, 1 / 3, 5e-324, 1e22, None, -1.5],
        "n": [1, None, 10**15 - 1, -(2**63), 5, 6],
        "yes": [True, False, None, True, True, True],
        "day": [dt.date(2024, 1, 5), None, None, None, None, None],
    }
)


def test_others_read_it():
    """Every cell is read by openpyxl as it was: text that begins with = is text, and dates are ISO text."""
    expected = [[row["id"], row["p"], row["n"], row["yes"], row["day"] and "2024-01-05"] for row in TABLE.to_pylist()]
    expected[3][2] = str(-(2**63))
    assert opened(file_of(TABLE.slice(0, 2), TABLE.slice(2))) == [TABLE.column_names, *expected]
    sheet = openpyxl.load_workbook(io.BytesIO(file_of(TABLE))).active
    assert (sheet["A2"].data_type, sheet["A7"].data_type) == ("s", "s")


def test_same_rows_same_bytes():
    """The same rows give the same file, however they are split into parts."""
    assert file_of(TABLE) == file_of(TABLE.slice(0, 1), TABLE.slice(1)) == encode(TABLE, "xlsx")


@settings(deadline=None)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["_x0041_", "\r\n", "\ufffe"])),
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False)),
)
def test_what_is_written_is_read(tmp_path_factory, texts, numbers):
    """Every text and every double survives a round trip, including control characters."""
    rows = max(len(texts), len(numbers), 1)
    texts, numbers = texts + ["end"] * (rows - len(texts)), numbers + [0.5] * (rows - len(numbers))
    path = tmp_path_factory.getbasetemp() / "again.xlsx"
    path.write_bytes(file_of(pa.table({"text": texts, "number": numbers})))
    table = read(path, 1 << 30)
    assert table["text"].to_pylist() == [text or None for text in texts]
    assert [*map(float, table["number"].to_pylist())] == numbers


def test_not_finite():
    """NaN and infinity are written as text."""
    assert opened(file_of(pa.table({"a": [math.inf, math.nan]}))) == [["a"], ["inf"], ["nan"]]


def test_limits(monkeypatch):
    """Rows beyond the limits of a sheet are rejected with the limit, and a cell's text is not repeated."""
    monkeypatch.setattr(workbook_writer, "MAX_ROWS", 4)
    assert len(opened(file_of(pa.table({"a": [1, 2, 3]})))) == 4
    with pytest.raises(TooLarge, match="at most 4 rows"):
        file_of(pa.table({"a": [1, 2]}), pa.table({"a": [3, 4]}))
    with pytest.raises(TooLarge, match="at most 16,384 columns"):
        Joiner(io.BytesIO(), "xlsx", pa.schema([(str(index), pa.int8()) for index in range(16_385)]))
    longest = "é" * 32_767
    assert opened(file_of(pa.table({"a": [longest]})))[1] == [longest]
    with pytest.raises(TooLarge, match="at most 32,767 characters") as caught:
        file_of(pa.table({"a": [longest + "x"]}))
    assert not re.search("éé", str(caught.value))
    with pytest.raises(TooLarge, match="at most 32,767 characters"):
        file_of(pa.table({longest + "x": [1]}))
    monkeypatch.setattr(workbook_writer, "MAX_SHEET_BYTES", 300)
    with pytest.raises(TooLarge, match="larger sheet"):
        file_of(pa.table({"a": [1, 2, 3]}))


class _Full(io.BytesIO):
    """A file on a disk that is full after some bytes."""

    def __init__(self, room):
        super().__init__()
        self.room = room

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("room", [0, 100, 1500, 2500])
def test_disk_full(room):
    """A full disk, at the start or the end of a workbook, raises the original OSError only."""
    numbers = random.Random(1)  # noqa: S311 - random, so that they do not compress
    table = pa.table({"a": [numbers.random() for _ in range(200)]})
    with pytest.raises(OSError, match="No space left"), closing(Joiner(_Full(room), "xlsx", table.schema)) as joiner:
        joiner.add(encode(table, "arrow"))
    gc.collect()
