from contextlib import closing

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import feature, signature

from churn_api.tables import text_blocks
from churn_api.tables.formats import FORMATS
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import read_table, to_columns, to_records
from churn_api.tables.writers import Joiner, encode

SIGNATURE = signature(feature("a"), feature("b", "number"), feature("c", "boolean"), feature("d", "string"))


def write(folder, data):
    path = folder / "table.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_as_people_write_them(tmp_path):
    """A BOM, CRLF, quoted cells with commas and line breaks, blank cells and extra columns are read."""
    text = '\ufeffd,a,b,c,other\r\n"x, y",1, 2.5 ,Yes,z\r\n"line\r\nbreak", ,.5,no,\r\n,7,5.,TRUE,\r\n'
    table = read_table(write(tmp_path, text.encode()))
    assert list(to_records(table, SIGNATURE)) == [
        {"a": 1, "b": 2.5, "c": True, "d": "x, y"},
        {"b": 0.5, "c": False, "d": "line\r\nbreak"},
        {"a": 7, "b": 5.0, "c": True},
    ]
    columns = to_columns(table, SIGNATURE)
    assert columns.numbers.shape == (3, 3)
    assert columns.texts.tolist() == [["x, y"], ["line\r\nbreak"], [""]]


def test_parquet_equals_csv(tmp_path):
    """The same table as Parquet gives the same records, whatever types its columns have."""
    frame = pd.DataFrame(
        {
            "a": [1.0, None],
            "b": pd.array(["2.5", " "]),
            "c": [True, None],
            "d": pd.Categorical(["x", None]),
        }
    )
    path = tmp_path / "table.parquet"
    frame.to_parquet(path)
    assert list(to_records(read_table(path), SIGNATURE)) == [{"a": 1, "b": 2.5, "c": True, "d": "x"}, {}]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n3\n", "row 3 has 1 cells where the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "row 3 has 3 cells"),
        ("a,b\n1,2\na,b\n3,4\n", "row 3: the header stands again"),
        ("a,a\n1,2\n", "columns 1 and 2 have the same name"),
        ("a,\n1,2\n", "column 2 has no name"),
        ('a,b\n1,"2\n3,4\n', "row 2: a quote is opened and never closed"),
        (b"a,b\n1,\xff\n", "UTF-8|UTF8"),
        (b"\xe9,b\n1,2\n", "not UTF-8 text"),
        (b"PAR1 and no more", "not a complete Parquet file"),
    ],
)
def test_no_table(tmp_path, data, complaint):
    """A file that is not a table is rejected with the reason and the row."""
    with pytest.raises(TableError, match=complaint):
        read_table(write(tmp_path, data))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ('{"a": 1}\n\n{"a": [1]}\n', r"row 2 \(line 3\): column 'a' holds an object or a list"),
        ('{"a": 1}\n{"b": {}}\n', r"row 2: column 'b' holds an object or a list"),
        ('{"a": 1}\n[1]\n', "row 2: the line is not one JSON object"),
        ('{"a": 1}\n{"a": 2', "row 2: the line is not one JSON object"),
        (b'{"a": 1}\n{"a": "\xff"}', "row 2: the line is not one JSON object"),
        ('{"": 1}\n', "column 1 has no name"),
        ("\n \n", "no rows"),
        ("{}\n", "no rows"),
    ],
)
def test_no_lines(tmp_path, data, complaint):
    """NDJSON lines that are not flat records are rejected with their row, which does not count blank lines."""
    path = write(tmp_path, data).rename(tmp_path / "table.ndjson")
    with pytest.raises(TableError, match=complaint):
        read_table(path)


def test_lines(tmp_path):
    """Columns of NDJSON are the members that any line has, with their types; null and absent members are missing."""
    lines = (
        '{"a": 1, "b": 2, "c": true, "d": 5, "e": null}\n{"f": "x", "b": 2.5, "d": "y", "a": 18446744073709551616}\n'
    )
    path = write(tmp_path, lines).rename(tmp_path / "table.ndjson")
    assert read_table(path).to_pydict() == {
        "a": [1.0, 2.0**64],
        "b": [2.0, 2.5],
        "c": [True, None],
        "d": ["5", "y"],
        "e": [None, None],
        "f": [None, "x"],
    }


def test_lines_in_many_blocks(tmp_path, monkeypatch):
    """A column's type depends on all its cells, and row numbers count from the top, across blocks."""
    monkeypatch.setattr(text_blocks, "TEXT_BYTES", 40)
    lines = [*(f'{{"a": {n}}}' for n in range(50)), '{"a": "x", "b": 1}', '{"a": []}']
    path = write(tmp_path, "\n".join(lines[:-1])).rename(tmp_path / "table.ndjson")
    assert read_table(path).to_pydict() == {"a": [*map(str, range(50)), "x"], "b": [None] * 50 + [1]}
    path.write_text("\n".join(lines))
    with pytest.raises(TableError, match="row 52: column 'a'"):
        read_table(path)


@pytest.mark.parametrize("spoilt", ["2", "1,2,3", "a,b", '1,"2'])
def test_row_in_a_later_block(tmp_path, monkeypatch, spoilt):
    """An invalid row is reported with its number in the file, whatever its block."""
    monkeypatch.setattr(text_blocks, "TEXT_BYTES", 40)
    with pytest.raises(TableError, match="row 52"):
        read_table(write(tmp_path, "a,b\n" + '1,"2\n3"\n' * 50 + spoilt + "\n"))


@pytest.mark.parametrize(("kind", "number"), [("csv", 3), ("ndjson", 2), ("parquet", 2), ("arrow", 2), ("xlsx", 3)])
def test_rows_count_as_in_scoring(tmp_path, kind, number):
    """The header is row 1 in formats of spreadsheets; in others the first record is row 1."""
    path, table = tmp_path / f"t.{kind}", pa.table({"a": ["1", "x"]})
    with path.open("wb") as file, closing(Joiner(file, kind, table.schema)) as joiner:
        joiner.add(encode(table, FORMATS[kind].part_format))
    with pytest.raises(TableError, match=f"row {number}, column 'a': Must be an integer"):
        to_columns(read_table(path), signature(feature("a")))


def test_blanks_around_categories(tmp_path):
    """White space around text is ignored in training as in scoring, unless a category contains it."""
    table = read_table(write(tmp_path, "d\n  x \ny\n"))
    assert to_columns(table, signature(feature("d", "string"))).texts.tolist() == [["x"], ["y"]]
    closed = signature(feature("d", "string", choices=("  x ", "y")))
    assert to_columns(table, closed).texts.tolist() == [["  x "], ["y"]]


def test_json_array(tmp_path):
    """A JSON array, which is none of the formats, is refused with what to write."""
    (tmp_path / "t.json").write_text('[{"a": 1}, {"a": 2}]')
    with pytest.raises(TableError, match=r"t\.json is a JSON array: write each .* on a line of its own \(ndjson\)"):
        read_table(tmp_path / "t.json")


def test_no_file(tmp_path):
    """A missing file, and a folder, are rejected."""
    with pytest.raises(TableError, match="No such file"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match="directory"):
        read_table(tmp_path)


def test_nested_parquet(tmp_path):
    """A column of lists is rejected with its position."""
    path = tmp_path / "table.parquet"
    pa.parquet.write_table(pa.table({"a": [[1, 2]]}), path)
    with pytest.raises(TableError, match="column 1 holds no single values"):
        read_table(path)


@pytest.mark.parametrize("kind", ["parquet", "arrow", "ndjson"])
def test_columns_that_cannot_be_read(tmp_path, kind):
    """A column of lists is null in every row where it is not needed, and the others are read."""
    table, path = pa.table({"a": [[1, 2], []], "b": [3, 4]}), tmp_path / f"t.{kind}"
    if kind == "ndjson":
        path.write_text('{"a": [1, 2], "b": 3}\n{"a": [], "b": 4}\n')
    elif kind == "parquet":
        pa.parquet.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    assert read_table(path, unneeded=["a", "c"]).to_pydict() == {"a": [None, None], "b": [3, 4]}
    with pytest.raises(TableError, match="can be read"):
        read_table(path, unneeded=["b"])


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("x,1,Yes,d", "row 3, column 'a': Must be an integer"),
        ("1.5,1,Yes,d", "row 3, column 'a': Must be an integer"),
        ("1,nan,Yes,d", "row 3, column 'b': Must be a number"),
        ("1,1e39,Yes,d", "row 3, column 'b': Must be a finite number"),
        ("1,1,maybe,d", "row 3, column 'c': Must be a boolean"),
    ],
)
def test_misfit_cell(tmp_path, row, complaint):
    """A cell that is not valid for its feature is rejected with its row, column and the message of scoring."""
    table = read_table(write(tmp_path, f"a,b,c,d\n1,1,Yes,d\n{row}\n"))
    with pytest.raises(TableError, match=complaint):
        to_columns(table, SIGNATURE)


def test_lacking_columns(tmp_path):
    """Columns that the table lacks are all named."""
    with pytest.raises(TableError, match="lacks 'b', 'd'"):
        to_columns(read_table(write(tmp_path, "a,c\n1,Yes\n")), SIGNATURE)
