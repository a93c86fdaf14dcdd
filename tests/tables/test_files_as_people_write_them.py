"""Files as people write them: encodings, delimiters, lines above the header, an index, totals."""

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import write_csv
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.size_limits import Bounds
from churn_api.tables.blocks import blocks
from churn_api.tables.layout import open_table
from churn_api.tables.read_options import ENCODINGS, ReadOptions
from churn_api.tables.row_numbers import row_number
from churn_api.tables.table_errors import TableError, TooLarge
from churn_api.tables.training_table import file_remarks, index_names, read_table

ROWS = "1,Zoë\n2,Žižek\n"
EXPECTED = {"n": ["1", "2"], "name": ["Zoë", "Žižek"]}


def read(tmp_path, data, name="t.csv", **options):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_table(path, ReadOptions(**options))


def texts(table):
    return [remark.text for remark in file_remarks(table)]


def workbook(**sheets):
    sink = io.BytesIO()
    with pd.ExcelWriter(sink) as writer:
        for name, rows in sheets.items():
            pd.DataFrame(rows).to_excel(writer, sheet_name=name, index=False, header=False)
    return sink.getvalue()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_byte_order_mark(tmp_path, encoding):
    """A file with a byte order mark is decoded by it, with a remark; NDJSON too."""
    table = read(tmp_path, ("n,name\n" + ROWS).encode(encoding))
    assert table.to_pydict() == EXPECTED
    assert texts(table) == [
        f"t.csv begins with the byte order mark of {encoding}: read as {encoding} (--encoding NAME)"
    ]
    lines = '{"n": "1", "name": "Zoë"}\n{"n": "2", "name": "Žižek"}\n'
    assert read(tmp_path, lines.encode(encoding), "t.ndjson").to_pydict() == EXPECTED


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_named_encodings(tmp_path, encoding):
    """Each encoding that may be named reads what it wrote, with no remark: the user said it."""
    table = read(tmp_path, "n,name\n1,Zoe\n".encode(encoding), encoding=encoding)
    assert (table.to_pydict(), texts(table)) == ({"n": ["1"], "name": ["Zoe"]}, [])


@given(st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1))
def test_decoded_text_is_the_text(tmp_path_factory, text):
    """A cell in another encoding is the same cell as in UTF-8."""
    folder = tmp_path_factory.mktemp("t")
    cell = '"' + text.replace('"', '""') + '"'
    plain = read(folder, f"n,name\n1,{cell}\n", "a.csv")
    assert read(folder, f"n,name\n1,{cell}\n".encode("cp1252"), "b.csv", encoding="cp1252") == plain


@pytest.mark.parametrize(
    ("data", "suggestion"),
    [
        ("n,name\n1,Zoë\n".encode("latin-1"), "--encoding latin-1, which it looks like"),
        ("n,näme\n1,Zoë\n".encode("latin-1"), "--encoding latin-1, which it looks like"),
        ("n,name\n1,Zoë \u2013 s\n".encode("cp1252"), "--encoding cp1252, which it looks like"),
        ("n,name\n1,Zoe\n".encode("utf-16-le"), "--encoding utf-16-le, which it looks like"),
        ("n,name\n1,Zoë Zoë Zoë \xff".encode()[:-2] + b"\xff\n", "--encoding NAME"),
    ],
)
def test_suggested_encoding(tmp_path, data, suggestion):
    """Bytes that are not UTF-8 are refused with the likely encoding, where there is one."""
    with pytest.raises(TableError, match="not UTF-8 text") as caught:
        read(tmp_path, data)
    assert str(caught.value).endswith(suggestion)


def test_wrong_encoding(tmp_path):
    """A file that is not in the named encoding is refused, and so is one that decodes to more than allowed."""
    with pytest.raises(TableError, match="is not utf-16-le text"):
        read(tmp_path, b"n,name\n1,b\n", encoding="utf-16-le")
    path = tmp_path / "big.csv"
    path.write_bytes("n\n".encode("utf-16") + ("é" * 9_000).encode("utf-16-le"))
    with pytest.raises(TooLarge):
        open_table(path, "csv", tmp_path, Bounds(10_000))


@pytest.mark.parametrize(
    ("data", "remarks"),
    [
        ("sep=;\nn;name\n1;Zoë\n2;Žižek\n", ["t.csv has semicolons between its columns: read so"]),
        ("sep=,\r\nn,name\r\n1,Zoë\r\n2,Žižek\r\n", []),
        ("n|name\n1|Zoë\n2|Žižek\n", ["t.csv has vertical bars between its columns: read so"]),
        ("n\tname\n1\tZoë\n2\tŽižek\n", ["t.csv has tabs between its columns: read so"]),
        (",n,name\n0,1,Zoë\n1,2,Žižek\n", ["column 1 has no name, as an index has none: left out"]),
        ("n,name\n1,Zoë\n2,Žižek\nTotal,2\n", ["row 4 looks like a total: dropped"]),
    ],
)
def test_remarks(tmp_path, data, remarks):
    """What a file has beyond a plain table is read, and each assumption is a remark."""
    table = read(tmp_path, data)
    assert (table.to_pydict(), texts(table)) == (EXPECTED, remarks)


def test_separator_is_what_the_file_says(tmp_path):
    """A delimiter that the file names counts, though another one would give more columns."""
    assert read(tmp_path, "sep=|\na,b;c,d|e\n1|2\n").column_names == ["a,b;c,d", "e"]


@pytest.mark.parametrize(
    ("above", "skip"), [("Report 2026\n", 1), ("Report 2026,\n\n", 2), ("Report\nof May\n", 2), ('"a\nb",\n', 2)]
)
def test_title_lines(tmp_path, above, skip):
    """Lines above the header are refused with the option that skips them, and the option reads the table."""
    with pytest.raises(TableError, match=f"looks like the header|like the header: --skip-rows {skip} ") as caught:
        read(tmp_path, f"{above}n,name\n{ROWS}")
    assert f"line {skip + 1} like the header: --skip-rows {skip} takes it" in str(caught.value)
    assert read(tmp_path, f"{above}n,name\n{ROWS}", skip_rows=skip).to_pydict() == EXPECTED


def test_row_numbers_below_skipped_lines(tmp_path):
    """Rows are numbered as in the file."""
    with pytest.raises(TableError, match="row 5 has 1 cells"):
        read(tmp_path, "Report\nof May\nn,name\n1,a\n2\n", skip_rows=2)
    with pytest.raises(TableError, match="no more than 9 lines"):
        read(tmp_path, "n,name\n1,a\n", skip_rows=9)


def test_second_header(tmp_path):
    """A second header is refused with what to do, in CSV as in Excel."""
    rows = [["X1", "X2"], ["age", "fee"], *[[n, n / 2] for n in range(9)]]
    data = "\n".join(",".join(map(str, row)) for row in rows)
    with pytest.raises(TableError, match="row 2 looks like a second header: --skip-rows 1 takes its names"):
        read(tmp_path, data)
    assert read(tmp_path, data, skip_rows=1).column_names == ["age", "fee"]


def test_second_header_below_the_targets_name(tmp_path):
    """A second header below one that names the target is dropped with a remark, and rows keep their numbers."""
    path = write_csv(
        pd.DataFrame([["Years", "Per month"], *[[n, n / 2] for n in range(9)]], columns=["age", "fee"]),
        tmp_path / "t.csv",
    )
    table = read_table(path, target="fee")
    assert (table.num_rows, row_number(table, 0)) == (9, 3)
    assert texts(table) == ["row 2 looks like a second header: dropped (--skip-rows 1 takes its names)"]


@pytest.mark.parametrize("data", ["31,26.48,x\n29,18.27,y\n", "x@y.example,a\nz@y.example,b\n", "a,-5\nb,-6\n"])
def test_no_header(tmp_path, data):
    """A file without a header is refused by the position of a column, without its values."""
    with pytest.raises(TableError, match=r"the name of column [12] is a value: is the header missing\?") as caught:
        read(tmp_path, data)
    assert "26" not in str(caught.value)
    assert "@" not in str(caught.value)


def test_pandas_index(tmp_path):
    """A column in which pandas wrote an index is known, by the file's metadata or by pandas' own name."""
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index([7, 9], name="row"))
    frame.to_parquet(tmp_path / "named.parquet")
    frame.rename_axis(None).to_parquet(tmp_path / "unnamed.parquet")
    assert index_names(read_table(tmp_path / "named.parquet")) == ["row"]
    assert index_names(read_table(tmp_path / "unnamed.parquet")) == ["__index_level_0__"]
    pq.write_table(pa.table({"row": [1]}).replace_schema_metadata({"pandas": "{"}), tmp_path / "odd.parquet")
    assert index_names(read_table(tmp_path / "odd.parquet")) == []


def test_sheets(tmp_path):
    """The first sheet is read with a remark where there are several; another one by its name."""
    data = workbook(May=[["n", "name"], [1, "Zoë"]], June=[["n", "name"], [2, "Žižek"]])
    first = read(tmp_path, data, "t.xlsx")
    assert first.column("name").to_pylist() == ["Zoë"]
    assert texts(first) == ["t.xlsx has 2 sheets: the first, 'May', is read (--sheet NAME)"]
    second = read(tmp_path, data, "t.xlsx", sheet="June")
    assert (second.column("name").to_pylist(), texts(second)) == (["Žižek"], [])
    with pytest.raises(TableError, match="no sheet 'July': it has 'May', 'June'"):
        read(tmp_path, data, "t.xlsx", sheet="July")


def test_title_rows_of_sheets(tmp_path):
    """A title above a sheet's header is refused with the option that skips it, and row numbers stay the sheet's."""
    rows = [["Report", None], ["n", "name"], [1, "Zoë"], [2, "Žižek"]]
    with pytest.raises(TableError, match="row 1 looks like a title, and row 2 like the header: --skip-rows 1 "):
        read(tmp_path, workbook(May=rows), "t.xlsx")
    table = read(tmp_path, workbook(May=rows), "t.xlsx", skip_rows=1)
    assert table.to_pydict() == {"n": [1, 2], "name": ["Zoë", "Žižek"]}
    with pytest.raises(TableError, match=r"row 1 of the first sheet is blank.*or --skip-rows 1 takes row 2"):
        read(tmp_path, workbook(May=[[None, None], *rows[1:]]), "t.xlsx")


def test_blocks_of_a_file_with_lines_above(tmp_path):
    """The blocks of a file begin below its header, and a repeated header is still found."""
    path = tmp_path / "t.csv"
    path.write_text("Report\nsep=;\nn;name\n1;a\nn;name\n")
    layout = open_table(path, "csv", tmp_path, Bounds(1000), ReadOptions(skip_rows=1))
    assert (layout.names, layout.lines, len(list(blocks(layout)))) == (("n", "name"), 3, 1)
    with pytest.raises(TableError, match="the header stands again"):
        read_table(path, ReadOptions(skip_rows=1))
