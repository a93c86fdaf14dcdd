import gzip
import io

import pyarrow as pa
import pyarrow.parquet
import pytest
from table_files import prepare

from churn_api.contract.size_limits import Bounds
from churn_api.tables import regrouping
from churn_api.tables.layout import read_layout
from churn_api.tables.table_errors import TableError, TooLarge

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})


def write(folder, data, name="table.csv"):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def arrow_bytes(*tables, open_sink=pa.ipc.new_stream, **options):
    sink = io.BytesIO()
    with open_sink(sink, tables[0].schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for table in tables:
            writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("text", "names", "delimiter", "start", "lines"),
    [
        ("a,b\n1,2\n", ("a", "b"), ",", 4, 1),
        ("\ufeffa;b,c;d\r\n1;2;3\r\n", ("a", "b,c", "d"), ";", 12, 1),
        ("a b\tc\n", ("a b", "c"), "\t", 6, 1),
        ("one\n1\n", ("one",), ",", 4, 1),
        ('"a\nb","say ""c"""\n1,2\n', ("a\nb", 'say "c"'), ",", 18, 2),
        ('\ufeff"a;b";c\n', ("a;b", "c"), ";", 11, 1),
        ("\n\r\na,b\n", ("a", "b"), ",", 7, 3),
        ("a,b\r1,2\r", ("a", "b"), ",", 4, 1),
        ("a,b", ("a", "b"), ",", 3, 1),
    ],
)
def test_header(tmp_path, text, names, delimiter, start, lines):
    """A header gives the names and the delimiter, and data begins at the byte after it."""
    layout = read_layout(write(tmp_path, text), "csv")
    assert (layout.names, layout.delimiter, layout.start, layout.lines) == (names, delimiter, start, lines)
    assert (layout.stop, layout.rows) == (len(text.encode()), None)


def test_wide_header(tmp_path):
    """A header of many thousands of columns is read completely."""
    names = tuple(f"column {number}" for number in range(20_000))
    assert read_layout(write(tmp_path, ",".join(names) + "\n"), "csv").names == names


def test_ndjson(tmp_path):
    """NDJSON has no header; its data begins after a byte order mark."""
    layout = read_layout(write(tmp_path, '\ufeff{"a": 1}\n', "a.ndjson"), "ndjson")
    assert (layout.names, layout.start, layout.stop) == ((), 3, 12)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("", "table.csv is empty"),
        ("\ufeff\r\n\n", "table.csv is empty"),
        ("a,a\n", "columns 1 and 2 have the same name"),
        ("a,,c\n", "column 2 has no name"),
        ('a,"b\n1,2\n', "line 1: a quote is opened and never closed"),
        ("a,é\n".encode("latin-1"), "not UTF-8 text: save it as CSV UTF-8"),
        ("a,b\n".encode("utf-16"), "not UTF-8 text: save it as CSV UTF-8"),
        (b"PK\3\4\0\0", "table.csv is no text"),
    ],
)
def test_no_csv(tmp_path, data, complaint):
    """A file that is not a CSV table is rejected with the reason and the file's name only."""
    with pytest.raises(TableError, match=complaint) as caught:
        read_layout(write(tmp_path, data), "csv")
    assert str(tmp_path) not in str(caught.value)


def test_parquet(tmp_path):
    """A Parquet file is read in place: its layout has its columns and number of rows."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(TABLE, path)
    layout = read_layout(prepare(path, "parquet", tmp_path, Bounds(10)), "parquet")
    assert (layout.path, layout.names, layout.start, layout.stop, layout.rows) == (str(path), ("a", "b"), 0, 3, 3)


@pytest.mark.parametrize("bytes_left", [0, 4, 100])
def test_truncated_parquet(tmp_path, bytes_left):
    """A truncated Parquet file is rejected."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(TABLE, path)
    path.write_bytes(path.read_bytes()[:bytes_left])
    with pytest.raises(TableError, match=r"a\.parquet is (not a complete Parquet file|empty)"):
        read_layout(path, "parquet")


def test_double_names_in_parquet(tmp_path):
    """A Parquet file with two columns of one name is rejected."""
    path = tmp_path / "a.parquet"
    pa.parquet.write_table(pa.table([[1], [2]], names=["a", "a"]), path)
    with pytest.raises(TableError, match="columns 1 and 2 have the same name"):
        read_layout(path, "parquet")


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_gzip(tmp_path, kind):
    """A gzipped text is decompressed into the folder, and the file itself is not changed."""
    path, folder = write(tmp_path, gzip.compress(b"a,b\n1,2\n"), "a.gz"), tmp_path / "work"
    folder.mkdir()
    prepared = prepare(path, kind, folder, Bounds(8))
    assert prepared.parent == folder
    assert prepared.read_bytes() == b"a,b\n1,2\n"


def test_nothing_to_prepare(tmp_path):
    """An uncompressed text is read in place, however large it is."""
    path = write(tmp_path, "a,b\n1,2\n")
    assert prepare(path, "csv", tmp_path, Bounds(1)) == path


def test_bomb(tmp_path):
    """A file that decompresses to more than allowed is rejected before it is written."""
    path = write(tmp_path, gzip.compress(b"0" * 10_000_000), "a.csv.gz")
    with pytest.raises(TooLarge, match=r"a\.csv\.gz decompresses to more than 5000000 bytes"):
        prepare(path, "csv", tmp_path, Bounds(5_000_000))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 5_000_000 + path.stat().st_size


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:15] + b"garbage" + data[15:]])
def test_damaged_gzip(tmp_path, damage):
    """A truncated or corrupt gzip file is rejected."""
    path = write(tmp_path, damage(gzip.compress(b"a,b\n" + bytes(range(200)))), "a.csv.gz")
    with pytest.raises(TableError, match=r"a\.csv\.gz is not a complete gzip file"):
        prepare(path, "csv", tmp_path, Bounds(10_000))


@pytest.mark.parametrize("open_sink", [pa.ipc.new_stream, pa.ipc.new_file])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_arrow(tmp_path, monkeypatch, open_sink, compression):
    """An Arrow stream or file is rewritten in batches of equal size, with dictionaries decoded."""
    monkeypatch.setattr(regrouping, "BATCH_ROWS", 4)
    table = TABLE.append_column("c", TABLE["b"].dictionary_encode().cast(pa.dictionary(pa.int32(), pa.large_string())))
    parts = (table, table.slice(0, 0), table.slice(1), pa.concat_tables([table] * 3))
    path = write(tmp_path, arrow_bytes(*parts, open_sink=open_sink, compression=compression), "a.arrow")
    with pa.ipc.open_file(prepare(path, "arrow", tmp_path, Bounds(10_000))) as file:
        assert [file.get_batch(index).num_rows for index in range(file.num_record_batches)] == [4, 4, 4, 2]
        assert file.schema.types == [pa.int64(), pa.string(), pa.string()]
        assert file.read_all().to_pydict() == pa.concat_tables(parts).to_pydict()


def test_arrow_layout(tmp_path):
    """The layout of a prepared Arrow file has its columns and rows, also without rows."""
    for rows in (0, 3):
        path = write(tmp_path, arrow_bytes(TABLE.slice(0, rows)), "a.arrow")
        layout = read_layout(prepare(path, "arrow", tmp_path, Bounds(10_000)), "arrow")
        assert (layout.names, layout.start, layout.stop, layout.rows) == (("a", "b"), 0, rows, rows)


def test_arrow_bomb(tmp_path):
    """A small file that repeats a long text in every row is rejected before it is decompressed."""
    indices = pa.array([0] * 30_000, pa.int32())
    table = pa.table({"a": pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 1_000_000]))})
    path = write(tmp_path, arrow_bytes(table), "a.arrow")
    with pytest.raises(TooLarge, match="decompresses to more than 100000000 bytes"):
        prepare(path, "arrow", tmp_path, Bounds(100_000_000))


@pytest.mark.parametrize("cut", [0, 3, 20, 300, -20])
def test_damaged_arrow(tmp_path, cut):
    """A truncated or invalid Arrow stream is rejected."""
    path = write(tmp_path, arrow_bytes(TABLE)[:cut], "a.arrow")
    with pytest.raises(TableError, match=r"a\.arrow is not a complete Arrow stream"):
        prepare(path, "arrow", tmp_path, Bounds(10_000))


def test_lying_arrow(tmp_path):
    """An Arrow stream whose offsets point outside its data is rejected."""
    data = arrow_bytes(pa.table({"b": ["abcd", "efgh"]}))
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 4, 8))
    assert data.count(offsets) == 1
    path = write(tmp_path, data.replace(offsets, offsets[:8] + (1 << 30).to_bytes(4, "little")), "a.arrow")
    with pytest.raises(TableError, match=r"a\.arrow is not a complete Arrow stream"):
        prepare(path, "arrow", tmp_path, Bounds(1 << 40))


def test_no_room(tmp_path):
    """A folder that is not writable raises OSError, not TableError."""
    with pytest.raises(FileNotFoundError):
        prepare(write(tmp_path, arrow_bytes(TABLE), "a.arrow"), "arrow", tmp_path / "nowhere", Bounds(10_000))
