import pytest

from churn_api.tables.formats import FORMATS, format_of_file, format_of_media_type, format_of_name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.b.CSV.gz", "csv"),
        ("a.ndjson", "ndjson"),
        ("a.jsonl.gz", "ndjson"),
        ("a.parquet", "parquet"),
        ("a.pq", "parquet"),
        ("a.arrow", "arrow"),
        ("a.arrows", "arrow"),
        ("a.parquet.gz", None),
        ("csv", None),
        ("a.tsv", "csv"),
        ("a.XLSX", "xlsx"),
        ("a.xlsx.gz", None),
        ("a.xls", None),
    ],
)
def test_by_name(name, kind):
    """A file's suffix indicates its format, in any case and gzipped or not; other suffixes indicate none."""
    assert format_of_name(name) == kind


def test_by_media_type():
    """A Content-Type indicates a format, whatever its parameters; every format has one."""
    assert format_of_media_type("Text/CSV; charset=utf-8") == "csv"
    assert format_of_media_type("application/json") is None
    assert {format_of_media_type(kind.media_type) for kind in FORMATS.values()} == set(FORMATS)


def test_suffixes_name_their_format():
    """A file written with a format's suffix is recognised by it."""
    assert {format_of_name("a" + kind.suffix) for kind in FORMATS.values()} == set(FORMATS)


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("a.csv", b"a,b\n", "csv"),
        ("a.csv", b"PAR1", "parquet"),
        ("a.csv", b"PK\3\4", "xlsx"),
        ("a.csv", b'{"a": 1}', "csv"),
        ("a.parquet", b"a,b\n", "parquet"),
        ("a", b'{"a": 1}', "ndjson"),
        ("a", b"ARROW1\0\0", "arrow"),
        ("a", b"a;b\n", "csv"),
    ],
)
def test_by_content(name, start, kind):
    """An unambiguous magic number has precedence over the name, the name over an ambiguous one."""
    assert format_of_file(name, start) == kind
