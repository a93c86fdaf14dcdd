"""Tables in batch-predict: every format, in and out."""

import csv
import gzip
import io
import json
from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
import table_files
from builders import customers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_files import parquet, stream, workbook_of

from churn_api.app import create_app
from churn_api.tables.formats import FORMATS

ROUTE = "/api/v1/batch-predict/small"
TYPES = {name: kind.media_type for name, kind in FORMATS.items()} | {"json": "application/json"}
TABLE = customers(40, seed=2)
SCORES = ["customer_id", "churn_prediction", "churn_probability", "risk_band"]
HEADER = b"customerID,tenure,MonthlyCharges,Partner,Contract,Region\n"
GOOD = b"C1,5,70.5,Yes,One year,North\n"
LATE = b"C2,long,,Yes,One year,\n"
TWICE_BAD = b"C3,-,70.5,Perhaps,One year,South\n"


def records(table):
    """The rows as a client would send them in JSON."""
    return table_files.records(table.drop(columns="Churn"))


WRITE = table_files.WRITE | {"json": lambda table: json.dumps({"customers": records(table)}).encode()}
READ = table_files.READ | {"json": lambda data: json.loads(data)["predictions"]}


def post(client, data, sent="csv", query="", **headers):
    return client.post(ROUTE + query, data=data, content_type=TYPES.get(sent, sent), headers=headers, buffered=True)


def problem_of(response, status, code):
    assert (response.status_code, response.json["code"]) == (status, code), response.text
    assert response.content_type == "application/problem+json"
    return response.json


@pytest.fixture
def scored(client):
    """The response of the JSON route for TABLE."""
    return READ["json"](post(client, WRITE["json"](TABLE), "json").data)


@pytest.mark.parametrize("wanted", TYPES)
@pytest.mark.parametrize("sent", TYPES)
def test_every_pair_of_formats(client, scored, sent, wanted):
    """In every format of request and response the scores equal those of the JSON route, bit for bit."""
    response = post(client, WRITE[sent](TABLE), sent, Accept=TYPES[wanted])
    assert response.status_code == 200, response.text
    assert response.mimetype == TYPES[wanted]
    assert READ[wanted](response.data) == scored


@pytest.mark.parametrize("accept", [None, "*/*", "text/*, */*;q=0.1"])
@pytest.mark.parametrize("sent", FORMATS)
def test_returned_in_the_format_of_the_body(client, sent, accept):
    """A table is returned in its own format where the client accepts anything, or has no Accept header."""
    headers = {} if accept is None else {"Accept": accept}
    expected = "text/csv" if accept and accept.startswith("text/") else TYPES[sent]
    assert post(client, WRITE[sent](TABLE), sent, **headers).mimetype == expected


def test_accept_wins(client):
    """The accepted type with the highest quality is returned."""
    response = post(client, WRITE["csv"](TABLE), Accept="text/csv;q=0.1, application/x-ndjson;q=0.9, */*;q=0.01")
    assert response.mimetype == "application/x-ndjson"


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/vnd.ms-excel"])
@pytest.mark.parametrize("sent", TYPES)
def test_not_acceptable(client, sent, accept):
    """A client that accepts no type of the route gets a 406 that lists the types."""
    problem = problem_of(post(client, WRITE[sent](TABLE), sent, Accept=accept), 406, "not-acceptable")
    assert all(media_type in problem["detail"] for media_type in TYPES.values())


@pytest.mark.parametrize("sent", ["text/plain", "application/vnd.ms-excel", "application/octet-stream", ""])
def test_unsupported_media_type(client, sent):
    """Another type is a 415 that lists the supported ones."""
    problem = problem_of(post(client, WRITE["csv"](TABLE), sent), 415, "unsupported-media-type")
    assert set(problem["accepted"]) == set(TYPES.values())


@pytest.mark.parametrize(("sent", "encoding"), [("csv", "br"), ("ndjson", "deflate"), ("parquet", "gzip")])
def test_unsupported_encoding(client, sent, encoding):
    """An unsupported Content-Encoding is a 415 that lists the supported ones."""
    response = post(client, WRITE[sent](TABLE), sent, **{"Content-Encoding": encoding})
    assert "identity" in problem_of(response, 415, "unsupported-media-type")["detail"]


def test_media_types_with_parameters(client, scored):
    """A type may have parameters and be written in any case."""
    assert READ["csv"](post(client, WRITE["csv"](TABLE), "Text/CSV; charset=utf-8; header=present").data) == scored


def upload(client, data, name, media_type=None, part="file", **headers):
    return client.post(ROUTE, data={part: (io.BytesIO(data), name, media_type)}, headers=headers, buffered=True)


@pytest.mark.parametrize("sent", FORMATS)
def test_upload(client, scored, sent):
    """The format of an uploaded file follows from its name, else from its type."""
    for name, media_type in ((f"Customers{FORMATS[sent].suffix.upper()}", None), ("customers", TYPES[sent])):
        response = upload(client, WRITE[sent](TABLE), name, media_type)
        assert (response.status_code, response.mimetype) == (200, TYPES[sent])
        assert READ[sent](response.data) == scored


def test_upload_returned_as_json(client, scored):
    """An upload is returned as JSON where only JSON is accepted."""
    response = upload(client, WRITE["csv"](TABLE), "a.csv", Accept="application/json")
    assert READ["json"](response.data) == scored


def test_uploads_that_will_not_do(client):
    """A form without the part is a 422 that names it; a file of unknown format is 415."""
    problem = problem_of(upload(client, WRITE["csv"](TABLE), "a.csv", part="table"), 422, "validation-failed")
    assert [error["pointer"] for error in problem["errors"]] == ["#/file"]
    problem_of(upload(client, WRITE["csv"](TABLE), "customers.xls"), 415, "unsupported-media-type")


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
@pytest.mark.parametrize("sent", ["csv", "ndjson"])
def test_gzip(client, scored, sent, headers):
    """Text may be gzipped, whether a header says so or not."""
    response = post(client, gzip.compress(WRITE[sent](TABLE)), sent, **headers)
    assert READ[sent](response.data) == scored
    assert READ[sent](upload(client, gzip.compress(WRITE[sent](TABLE)), f"a.{sent}.gz").data) == scored


@pytest.mark.parametrize("wanted", TYPES)
def test_keep_all(client, scored, wanted):
    """`keep=all` repeats every column between the identifier and the scores, the identifier once."""
    rows = READ[wanted](post(client, WRITE["csv"](TABLE), "csv", "?keep=all", Accept=TYPES[wanted]).data)
    assert list(rows[0]) == ["customer_id", *TABLE.columns[1:], *SCORES[1:]]
    assert [row["Contract"] for row in rows] == list(TABLE["Contract"])
    assert [{name: row[name] for name in SCORES} for row in rows] == scored


def test_keep_some(client):
    """`keep=a,b` repeats these columns in that order, with unchanged values."""
    data = HEADER + b'C1, 5,070.50,YES,One year,"a ""b"""\n'
    response = post(client, data, "csv", "?keep=Region,Partner,tenure&on_error=skip")
    assert (
        response.text.splitlines()[0]
        == "customer_id,Region,Partner,tenure,churn_prediction,churn_probability,risk_band"
    )
    assert '"a ""b""","YES"," 5"' in response.text


def test_keep_other_kinds(client):
    """Columns of types that a format lacks are kept as text."""
    count = len(TABLE)
    others = {"price": [Decimal("1.50")] * count, "wait": [timedelta(1)] * count}
    table = pa.Table.from_pandas(TABLE, preserve_index=False)
    for name, cells in others.items():
        table = table.append_column(name, pa.array(cells))
    table = table.append_column("seen", pa.array([1] * count, pa.timestamp("ns")))
    for wanted in ("json", "csv", "ndjson"):
        response = post(client, parquet(table), "parquet", "?keep=price,wait,seen", Accept=TYPES[wanted])
        assert response.status_code == 200, response.text
        assert READ[wanted](response.data)[0]["seen"] == "1970-01-01 00:00:00.000000001"


@pytest.mark.parametrize(
    ("keep", "place", "message", "hint"),
    [
        ("Regoin", "keep", "Name 1 is no column of the table.", "Did you mean 'Region'?"),
        ("Region,nothing", "keep", "Name 2 is no column of the table.", None),
        ("risk_band", "#/risk_band", "The result has a column of this name.", "Name other columns to keep."),
    ],
)
@pytest.mark.parametrize("sent", ["csv", "parquet", "arrow"])
def test_keep_of_unknown_columns(client, sent, keep, place, message, hint):
    """A column to keep that the table lacks, or that is named like an output, is 422 with its position and a hint."""
    table = TABLE.assign(risk_band="x")
    problem = problem_of(post(client, WRITE[sent](table), sent, f"?keep={keep}"), 422, "validation-failed")
    (error,) = problem["errors"]
    assert (error.get("pointer") or error["parameter"], error["message"], error.get("hint")) == (place, message, hint)


def test_keep_of_json(client):
    """`keep` with a JSON body is a fault, not ignored."""
    problem = problem_of(post(client, WRITE["json"](TABLE), "json", "?keep=tenure"), 422, "validation-failed")
    assert [error["parameter"] for error in problem["errors"]] == ["keep"]


def test_fail_lists_every_bad_row(client):
    """By default bad rows fail the table, and each fault is listed with row, line and column."""
    broken_over_lines = b'"C\n4",5,,Yes,"One year",\n'
    problem = problem_of(
        post(client, HEADER + GOOD + LATE + broken_over_lines + TWICE_BAD + b"C5,5\n"), 422, "validation-failed"
    )
    positions = [(error["row"], error["line"], error["column"]) for error in problem["errors"]]
    assert positions == [(3, 3, "tenure"), (4, 4, "customerID"), (5, 6, "tenure"), (5, 6, "Partner"), (6, 7, None)]
    assert problem["detail"] == "4 rows are not valid"
    assert "predictions" not in problem


def test_fail_lists_more_than_a_few(client):
    """Every bad row of a batch is listed, as long as each has one fault."""
    problem = problem_of(post(client, HEADER + b"C1,x,70.5,Yes,One year,North\n" * 1000), 422, "validation-failed")
    assert {error["row"] for error in problem["errors"]} == set(range(2, 1002))


def test_one_bad_row(client):
    """One bad row is reported in the singular, without its values."""
    response = post(client, HEADER + b"C1,s3cret,70.5,Yes,hush,North\n")
    assert problem_of(response, 422, "validation-failed")["detail"] == "1 row is not valid"
    assert "s3cret" not in response.text
    assert "hush" not in response.text


@pytest.mark.parametrize("wanted", FORMATS)
def test_skip(client, wanted):
    """`on_error=skip` keeps bad rows with empty scores, and counts them in a header."""
    response = post(client, HEADER + LATE + GOOD + TWICE_BAD, "csv", "?on_error=skip", Accept=TYPES[wanted])
    first, good, last = READ[wanted](response.data)
    assert first == dict.fromkeys(SCORES) | {"customer_id": "C2"}
    assert last == dict.fromkeys(SCORES) | {"customer_id": "C3"}
    assert all(value is not None for value in good.values())
    assert (response.headers["Churn-Rows"], response.headers["Churn-Bad-Rows"]) == ("3", "2")


def test_skip_as_json(client):
    """As JSON, a bad row has null and `errors` lists the faults, in both layouts."""
    data, headers = HEADER + LATE + GOOD, {"Accept": "application/json"}
    answer = post(client, data, "csv", "?on_error=skip&keep=Region", **headers).json
    bad, good = answer["predictions"]
    assert (bad, good["Region"], answer["count"]) == (None, "North", 2)
    assert [(error["row"], error["column"]) for error in answer["errors"]] == [(2, "tenure")]
    lists = post(client, data, "csv", "?on_error=skip&keep=Region&layout=columns", **headers).json["predictions"]
    assert lists == {name: [None, value] for name, value in good.items()}


def test_json_skipped_as_a_table(client):
    """A table response to a JSON body has empty scores for bad customers too."""
    body = json.dumps({"customers": [*records(TABLE[:1]), {"customer_id": 7}]}).encode()
    response = post(client, body, "json", "?on_error=skip", Accept="text/csv")
    assert response.headers["Churn-Bad-Rows"] == "1"
    assert READ["csv"](response.data)[1] == dict.fromkeys(SCORES)


def test_headers(client):
    """A table response has the metadata of JSON responses in headers, and is not cached."""
    response = post(client, WRITE["csv"](TABLE), "csv", "?threshold=0.9&version=1")
    headers = response.headers
    assert (headers["Churn-Model"], headers["Churn-Model-Version"], headers["Churn-Threshold"]) == ("small", "1", "0.9")
    assert float(headers["Churn-Inference-Time-Ms"]) > 0
    assert (headers["Churn-Rows"], headers["Churn-Bad-Rows"], headers["Churn-Unseen"]) == ("40", "0", "0")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Disposition"] == "attachment; filename=scored.csv"
    assert all((row["churn_probability"] >= 0.9) == row["churn_prediction"] for row in READ["csv"](response.data))


@pytest.mark.parametrize("sent", TYPES)
def test_unseen_categories(client, sent):
    """Categories of an open feature that training did not see are scored and counted."""
    table = TABLE[:9].assign(Region=["Atlantis"] * 2 + ["North"] * 7)
    assert post(client, WRITE[sent](table), sent, Accept="text/csv").headers["Churn-Unseen"] == "2"
    if sent != "json":
        assert post(client, WRITE[sent](table), sent, Accept="application/json").json["unseen"] == {"Region": 2}


@pytest.mark.parametrize("sent", TYPES)
def test_numbers_outside_training(client, sent):
    """Numbers far outside the range that training saw are scored and counted, by column in JSON; others are not."""
    table = TABLE[:9].assign(tenure=[900, 901, *TABLE["tenure"][2:9]], MonthlyCharges=[-999.5] * 3 + [50.0] * 6)
    headers = post(client, WRITE[sent](table), sent, Accept="text/csv").headers
    assert (headers["Churn-Outside"], headers["Churn-Unseen"]) == ("5", "0")
    if sent != "json":
        answer = post(client, WRITE[sent](table), sent, Accept="application/json").json
        assert answer["outside"] == {"tenure": 2, "MonthlyCharges": 3}
        assert "outside" not in post(client, WRITE[sent](TABLE[:9]), sent, Accept="application/json").json


def limited(models_dir, **limits):
    return create_app({"MODELS_DIR": str(models_dir)} | limits).test_client()


@pytest.mark.parametrize("sent", TYPES)
def test_too_many_rows(models_dir, sent):
    """A table at the limit is scored; one row more is a 413 that names the limit and the jobs route."""
    client = limited(models_dir, MAX_BATCH_ROWS=5)
    assert post(client, WRITE[sent](TABLE[:5]), sent).status_code == 200
    problem = problem_of(post(client, WRITE[sent](TABLE[:6]), sent), 413, "too-large")
    assert problem["limit"] == 5
    assert "/api/v1/jobs" in problem["detail"]


@pytest.mark.parametrize("sent", FORMATS)
def test_body_too_large(models_dir, sent):
    """A body above the limit is a 413 that names the limit, also in a form."""
    client, data = limited(models_dir, MAX_CONTENT_LENGTH=1000), WRITE[sent](TABLE)
    assert len(data) > 1000
    assert "1000 bytes" in problem_of(post(client, data, sent), 413, "too-large")["detail"]
    assert "1000 bytes" in problem_of(upload(client, data, f"a{FORMATS[sent].suffix}"), 413, "too-large")["detail"]


@pytest.mark.parametrize("sent", ["csv", "ndjson"])
def test_gzip_bomb(client, sent):
    """A few kilobytes that decompress to more than a body may have are a 413 that says so."""
    bomb = gzip.compress(b"0" * (11 << 20))
    assert len(bomb) < 20_000
    assert "decompresses to more than" in problem_of(post(client, bomb, sent), 413, "too-large")["detail"]


def test_parquet_of_many_rows(client):
    """A Parquet of a few kilobytes that has millions of rows is 413 before they are read."""
    table = pa.table({"tenure": pa.array([1] * 5_000_000, pa.int8())})
    for name in ("MonthlyCharges", "Partner", "Contract", "Region"):
        table = table.append_column(name, pa.nulls(len(table), pa.string()))
    data = parquet(table)
    assert len(data) < 100_000
    problem_of(post(client, data, "parquet"), 413, "too-large")


BROKEN = {
    "empty": ("csv", b""),
    "blank": ("csv", b"\n \n"),
    "latin-1": ("csv", HEADER + b"C1,5,70.5,Yes,One year,s3cret \xfc\n"),
    "NUL": ("csv", HEADER + GOOD + b"C2,5,\0s3cret,Yes,One year,\n"),
    "open quote": ("csv", HEADER + b'C1,5,70.5,Yes,One year,"s3cret\n'),
    "two headers": ("csv", HEADER + GOOD + HEADER + b"s3cret,5,70.5,Yes,One year,North\n"),
    "two columns of a name": ("csv", b"tenure,tenure\ns3cret,1\n"),
    "a column without a name": ("csv", b"tenure,,a\ns3cret,1,2\n"),
    "half a gzip": ("csv", gzip.compress(HEADER + GOOD * 99)[:-20]),
    "no text": ("ndjson", b'{"tenure": "s3cret\0"}'),
    "half a Parquet": ("parquet", WRITE["parquet"](TABLE)[:-100]),
    "the tail of a Parquet": ("parquet", WRITE["parquet"](TABLE)[100:]),
    "no Parquet": ("parquet", HEADER + GOOD),
    "half a stream": ("arrow", WRITE["arrow"](TABLE)[:-500]),
    "no Arrow": ("arrow", HEADER + GOOD),
    "lists": ("parquet", parquet(pa.Table.from_pandas(TABLE.assign(Region=[["s3cret"]] * 40)))),
    "a name with NUL": ("parquet", parquet(pa.Table.from_pandas(TABLE).append_column("s3cret\0", [["x"] * 40]))),
    "a name that is no UTF-8": ("arrow", WRITE["arrow"](TABLE).replace(b"tenure", b"s3cre\xff")),
    "a name that is no UTF-8 in Parquet": ("parquet", WRITE["parquet"](TABLE).replace(b"tenure", b"s3cre\xff")),
    "cells that are no UTF-8 in Parquet": (
        "parquet",
        WRITE["parquet"](TABLE).replace(b"Month-to-month", b"s3cret-to-mon\xff"),
    ),
    "cells that are no UTF-8": ("arrow", WRITE["arrow"](TABLE).replace(b"Month-to-month", b"s3cret-to-mon\xff")),
}


@pytest.mark.parametrize(("sent", "data"), BROKEN.values(), ids=BROKEN)
def test_malformed_table(client, sent, data):
    """An incomplete table is a 400 with one sentence, without its values and without a path."""
    response = post(client, data, sent)
    problem = problem_of(response, 400, "malformed-table")
    assert problem["detail"].endswith(".")
    assert "s3cret" not in response.text
    assert "/tmp" not in response.text  # noqa: S108


def test_no_rows(client):
    """A table without rows is 422: it has no customers."""
    empty = TABLE[:0]
    for sent in ("csv", "parquet", "arrow"):
        problem = problem_of(post(client, WRITE[sent](empty), sent), 422, "validation-failed")
        assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("#", "empty")]
    problem_of(post(client, b"\n\n", "ndjson"), 422, "validation-failed")


@pytest.mark.parametrize("sent", ["csv", "parquet", "arrow"])
def test_missing_column(client, sent):
    """A missing required column is 422 with its pointer, and the position of the column that may be meant."""
    table = TABLE.rename(columns={"tenure": "Tenur"})
    problem = problem_of(post(client, WRITE[sent](table), sent), 422, "validation-failed")
    hint = f"Column {list(table.columns).index('Tenur') + 1} is unknown: did you mean 'tenure'?"
    assert [(error["pointer"], error["hint"]) for error in problem["errors"]] == [("#/tenure", hint)]


AS_PEOPLE_WRITE = {
    "columns in any order": TABLE[TABLE.columns[::-1]].to_csv(index=False).encode(),
    "BOM": b"\xef\xbb\xbf" + WRITE["csv"](TABLE),
    "CRLF": WRITE["csv"](TABLE).replace(b"\n", b"\r\n"),
    "quoted": TABLE.to_csv(index=False, quoting=csv.QUOTE_ALL).encode(),
    "semicolons": TABLE.to_csv(index=False, sep=";").encode(),
    "blank cells": TABLE.to_csv(index=False, na_rep="  ").encode(),
    "truths in any case": TABLE.replace({"Partner": {"Yes": "TRUE", "No": "false"}}).to_csv(index=False).encode(),
    "no newline at the end": WRITE["csv"](TABLE).rstrip(b"\n"),
    "blank lines": WRITE["csv"](TABLE).replace(b"\n", b"\n\n"),
    "thousands of extra columns": pd.concat(
        [TABLE, pd.DataFrame(0, TABLE.index, [f"extra {number}" for number in range(4000)])], axis=1
    ).to_csv(index=False).encode(),
}  # fmt: skip


@pytest.mark.parametrize("data", AS_PEOPLE_WRITE.values(), ids=AS_PEOPLE_WRITE)
def test_tables_as_people_write_them(client, scored, data):
    """A table gets the same scores whatever spreadsheet wrote it."""
    response = post(client, data)
    assert response.status_code == 200, response.text[:500]
    assert READ["csv"](response.data) == scored


def deep(depth):
    return b'{"tenure": ' + b"[" * depth + b"]" * depth + b"}\n"


def sheet_of(rows):
    """A workbook with a header and these rows."""
    names = "".join(f'<c t="str"><v>{name}</v></c>' for name in TABLE.columns)
    return workbook_of(f"<row>{names}</row>{rows}")


def promising(rows):
    """A Parquet file whose footer claims this many rows, and which has 40."""
    data = WRITE["parquet"](TABLE)
    footer_rows = bytes([0x16, len(TABLE) * 2])
    assert footer_rows in data
    return data.replace(footer_rows, b"\x16" + _varint(rows * 2))


def _varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


HOSTILE = {
    "a cell of 9 MB": ("csv", HEADER + b"C1,5,70.5,Yes,One year," + b"x" * 9_000_000 + b"\n"),
    "an identifier of 9 MB": ("csv", HEADER + b"x" * 9_000_000 + b",5,70.5,Yes,One year,\n"),
    "a header of 9 MB": ("csv", b"x" * 9_000_000 + b"\n1\n"),
    "100,000 columns": ("csv", b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b"," * 99_999 + b"\n"),
    "a million empty cells": ("csv", HEADER + b"," * 1_000_000 + b"\n"),
    "a million blank lines": ("csv", HEADER + b"\n" * 1_000_000),
    "quotes": ("csv", HEADER + b'"' * 100_001),
    "5,000 deep": ("ndjson", deep(5000)),
    "100,000 deep": ("ndjson", deep(100_000)),
    "NaN": ("ndjson", b'{"tenure": NaN}\n'),
    "a lone surrogate": ("ndjson", b'{"tenure": "\\ud800"}\n'),
    "a huge number": ("ndjson", b'{"tenure": 1e999}\n{"tenure": ' + b"9" * 100_000 + b"}\n"),
    "a huge row count": ("parquet", promising(2**40)),
    "a row count below zero": ("parquet", promising(2**63 - 1)),
    "a million rows of blanks": ("xlsx", sheet_of('<row r="1048576"><c r="A1048576"><v>1</v></c></row>')),
    "two cells that are far apart": ("xlsx", sheet_of('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    "a row of a million cells": ("xlsx", sheet_of("<row>" + "<c/>" * 1_000_000 + "</row>")),
    "a text of 9 MB": ("xlsx", sheet_of(f'<row><c t="str"><v>{"x" * 9_000_000}</v></c></row>')),
    "a sheet of 100 MB": ("xlsx", sheet_of(" " * 100_000_000)),
    "entities": ("xlsx", sheet_of('<!DOCTYPE w [<!ENTITY e "xxxxxxxx">]><row/>')),
    "intervals": ("arrow", stream(pa.table({"tenure": pa.array([(1, 2, 3)] * 40, pa.month_day_nano_interval())}))),
}  # fmt: skip


@pytest.mark.parametrize("query", ["", "?on_error=skip&keep=all"])
@pytest.mark.parametrize(("sent", "data"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_tables(client, sent, data, query):
    """Malicious files are refused as client errors, or their rows have no scores."""
    response = post(client, data, sent, query, Accept="application/json")
    assert response.status_code in ((200, 400, 413, 422) if query else (400, 413, 422)), response.text[:300]
    assert len(response.data) < 4_000_000
    assert "Traceback" not in response.text


def spoilt(data, changes):
    """The bytes with some of them changed."""
    changed = bytearray(data)
    for offset, byte in changes:
        changed[offset % len(changed)] = byte
    return bytes(changed)


CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=4)
PIECES = st.lists(
    st.sampled_from([HEADER, GOOD, b",", b"\n", b"\r", b'"', b"\0", b"\xff", b"{", b"}", b"\xef\xbb\xbf"])
)
ANYTHING = st.tuples(st.sampled_from(list(FORMATS)), st.one_of(st.binary(max_size=300), PIECES.map(b"".join)))
SPOILT = st.sampled_from(list(FORMATS)).flatmap(
    lambda sent: st.tuples(st.just(sent), CHANGES.map(lambda changes: spoilt(WRITE[sent](TABLE[:5]), changes)))
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.one_of(ANYTHING, SPOILT), query=st.sampled_from(["", "?on_error=skip", "?keep=all&on_error=skip"]))
def test_any_bytes(client, table, query):
    """Any bytes in any format are scored, or refused as client errors."""
    sent, data = table
    response = post(client, data, sent, query)
    assert response.status_code in (200, 400, 413, 422), response.text
    if response.status_code != 200:
        assert response.content_type == "application/problem+json"
        assert response.json["code"] in ("malformed-table", "too-large", "validation-failed")
