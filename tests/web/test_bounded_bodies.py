"""Small bodies with far too much in them are refused before they are decoded or validated, in every format."""

import gzip
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from table_files import parquet, stream, workbook_of

from churn_api.contract.record import RecordReader
from churn_api.contract.size_limits import MAX_COLUMNS
from churn_api.tables.formats import FORMATS

BATCH, ONE = "/api/v1/batch-predict", "/api/v1/predict"
JSON, FORM = "application/json", "multipart/form-data; boundary=b"
GOOD = {"age": 35, "tenure": 24, "monthly_charges": 65.5}
HEADER = b"age,tenure,monthly_charges"
LONG = "x" * (1 << 17)
WIDE = [f"column{number}" for number in range(20_000)]


def table(rows=1000, **more):
    return pa.table({name: [value] * rows for name, value in GOOD.items()} | more)


def shared(rows=1000, text=LONG):
    """One text that every row has."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [text])


def compressed(made, codec="zstd"):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, made.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(made)
    return sink.getvalue()


def packed(made, **options):
    sink = io.BytesIO()
    pq.write_table(made, sink, **options)
    return sink.getvalue()


def lists():
    """A list of a hundred thousand numbers in each row, which take almost no space in the file."""
    return pa.ListArray.from_arrays(pa.array(np.arange(101) * 100_000, pa.int32()), pa.array(np.zeros(10**7, "i1")))


def alike(rows=1000):
    """Texts that share their first hundred thousand characters."""
    return pa.array(["y" * 100_000 + str(row) for row in range(rows)])


def sheet(row, rows):
    names = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in GOOD)
    return workbook_of(f"<row>{names}</row>" + row * rows)


ROWS = {
    "ndjson": lambda: b"{}\n" * 100_000,
    "csv": lambda: HEADER + b"\n" + b",,\n" * 100_000,
    "parquet": lambda: packed(pa.table({"age": pa.array(np.full(100_000, 35))})),
    "arrow": lambda: stream(pa.table({"age": pa.array(np.full(100_000, 35))})),
    "xlsx": lambda: sheet("<row><c><v>35</v></c></row>", 20_000),
    "json": lambda: b'{"customers":[' + b"{}," * 99_999 + b"{}]}",
}
"""A hundred thousand rows at fault: validating them would take half a minute."""
COLUMNS = {
    "csv": lambda: HEADER + b"," + ",".join(WIDE).encode() + b"\n35,24,65.5" + b"," * len(WIDE),
    "parquet": lambda: packed(table(1, **{name: [1] for name in WIDE})),
    "arrow": lambda: stream(table(1, **{name: [1] for name in WIDE})),
    "xlsx": lambda: workbook_of(f"<row>{'<c><v>1</v></c>' * 16_000}</row><row><c><v>1</v></c></row>"),
    "ndjson": lambda: json.dumps(GOOD | dict.fromkeys(WIDE, 0)).encode(),
    "json": lambda: json.dumps({"customers": [GOOD | dict.fromkeys(WIDE, 0)]}).encode(),
}
TEXTS = {
    "parquet identifiers": (
        "parquet",
        lambda: packed(table(column0=[1] * 1000, customer_id=shared().cast(pa.string()))),
    ),
    "parquet feature": ("parquet", lambda: packed(table(column0=[1] * 1000, contract=shared().cast(pa.string())))),
    "parquet kept": ("parquet", lambda: packed(table(column0=shared().cast(pa.string())))),
    "parquet pages": (
        "parquet",
        lambda: packed(table(column0=alike()), compression="zstd", use_dictionary=False),
    ),
    "parquet shared starts": (
        "parquet",
        lambda: packed(
            table(column0=alike()),
            compression="zstd",
            use_dictionary=False,
            column_encoding={"column0": "DELTA_BYTE_ARRAY"},
        ),
    ),
    "arrow identifiers": ("arrow", lambda: stream(table(customer_id=shared()))),
    "arrow feature": ("arrow", lambda: stream(table(contract=shared()))),
    "arrow compressed": ("arrow", lambda: compressed(table(column0=alike()))),
    "arrow nothing": ("arrow", lambda: stream(pa.table({"age": pa.nulls(1 << 30)}))),
}
NESTED = {
    "parquet list": ("parquet", lambda: packed(table(100, column0=lists()))),
    "parquet bytes": ("parquet", lambda: packed(table(column0=shared(text=LONG.encode()).cast(pa.binary())))),
    "arrow dictionary of bytes": ("arrow", lambda: stream(table(column0=shared(text=LONG.encode())))),
    "arrow dictionary of lists": ("arrow", lambda: stream(table(column0=shared(text=[1] * 100_000)))),
    "arrow list of dictionaries": (
        "arrow",
        lambda: stream(table(column0=pa.ListArray.from_arrays(pa.array(np.arange(1001), pa.int32()), shared()))),
    ),
    "arrow struct of dictionaries": (
        "arrow",
        lambda: stream(table(column0=pa.StructArray.from_arrays([shared()], ["a"]))),
    ),
    "arrow run ends": (
        "arrow",
        lambda: stream(table(column0=pa.RunEndEncodedArray.from_arrays(pa.array([1000], pa.int32()), [LONG]))),
    ),
}


def post(client, sent, body, route=BATCH + "?keep=column0"):
    route, kind = (BATCH, JSON) if sent == "json" else (route, FORMATS[sent].media_type)
    return client.post(route, data=body, content_type=kind, buffered=True)


def form(file, **fields):
    """A form of these fields and of one file."""
    head = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    parts = [head.format(name, "") + value + "\r\n" for name, value in fields.items()]
    begun = "".join([*parts, head.format("file", "; filename=a.csv")])
    return begun.encode() + file + b"\r\n--b--\r\n"


def problem(response):
    assert response.content_type == "application/problem+json"
    return response.status_code, response.json["code"]


@pytest.fixture
def validated(monkeypatch):
    """Records which were validated one by one."""
    asked = []
    monkeypatch.setattr(RecordReader, "read", lambda self, record: asked.append(record))
    return asked


@pytest.mark.parametrize("sent", ROWS)
def test_rows(client, validated, sent):
    """A hundred thousand bad rows are refused by their number in every format, before one of them is validated."""
    response = post(client, sent, ROWS[sent](), BATCH)
    assert problem(response) == (413, "too-large")
    assert (response.json["limit"], validated) == (1000, [])


def test_rows_compressed_small(client, validated):
    """A few hundred bytes that gzip decompresses to a hundred thousand rows are refused in the same way."""
    body = gzip.compress(ROWS["ndjson"]())
    assert len(body) < 1000
    response = client.post(
        BATCH, data=body, content_type=FORMATS["ndjson"].media_type, headers={"Content-Encoding": "gzip"}
    )
    assert (problem(response), response.json["limit"], validated) == ((413, "too-large"), 1000, [])


def test_rows_of_a_form(client, validated):
    """The file of a form has the same limit."""
    response = client.post(BATCH, data=form(ROWS["csv"]()), content_type=FORM)
    assert (problem(response), response.json["limit"], validated) == ((413, "too-large"), 1000, [])


@pytest.mark.parametrize("sent", COLUMNS)
def test_columns(client, validated, sent):
    """A table, or a record, with many thousand columns is refused in every format, before it is validated."""
    assert problem(post(client, sent, COLUMNS[sent](), BATCH + "?keep=all")) == (413, "too-large")
    assert validated == []


def test_as_many_columns_as_are_allowed(client):
    """A table with as many columns as are allowed is scored."""
    more = WIDE[: MAX_COLUMNS - len(GOOD)]
    body = HEADER + b"," + ",".join(more).encode() + b"\n35,24,65.5" + b"," * len(more)
    assert post(client, "csv", body).status_code == 200


def test_cells(client):
    """Columns and rows that are each within their limit may be too many together, in text as in Parquet."""
    names = WIDE[:2000]
    body = HEADER + b"," + ",".join(names).encode() + b"\n" + (b"35,24,65.5" + b"," * len(names) + b"\n") * 900
    assert problem(post(client, "csv", body)) == (413, "too-large")
    assert problem(post(client, "parquet", parquet(table(900, **{n: pa.nulls(900) for n in names})))) == (
        413,
        "too-large",
    )


@pytest.mark.parametrize("case", TEXTS)
def test_texts_that_many_rows_share(client, case):
    """A small file whose rows decompress to far more than a body may have is refused as too large."""
    sent, make = TEXTS[case]
    body = make()
    assert len(body) < 2 << 20
    assert problem(post(client, sent, body)) == (413, "too-large")


def test_texts_that_share_their_starts(client):
    """Parquet with delta-encoded texts is scored like any other."""
    made = table(20, contract=["One year", "Two year"] * 10)
    plain = post(client, "parquet", packed(made), BATCH)
    encoded = packed(made, use_dictionary=False, column_encoding={"contract": "DELTA_BYTE_ARRAY"})
    answer = post(client, "parquet", encoded, BATCH)
    assert answer.status_code == 200
    assert pq.read_table(io.BytesIO(answer.data)).equals(pq.read_table(io.BytesIO(plain.data)))


@pytest.mark.parametrize("case", NESTED)
def test_nested_texts(client, case):
    """A nested column is not decompressed: refused where it is kept or scored, else ignored."""
    sent, make = NESTED[case]
    body = make()
    refused = post(client, sent, body)
    assert problem(refused) == (400, "malformed-table")
    assert refused.json["detail"].startswith("column 4 holds no single values")
    assert post(client, sent, body, BATCH).status_code == 200


def test_memory(tmp_path, models_dir):
    """None of these makes the process that refuses it 100 MB bigger."""
    cases = {f"{sent} rows": (sent, ROWS[sent]()) for sent in ROWS}
    cases |= {f"{sent} columns": (sent, COLUMNS[sent]()) for sent in COLUMNS}
    cases |= {name: (sent, make()) for name, (sent, make) in (TEXTS | NESTED).items()}
    cases["csv blank lines"] = ("csv", HEADER + b"\n" * 9_000_000)
    cases["csv lines in a cell"] = ("csv", HEADER + b'\n35,24,"' + b"\n" * 9_000_000 + b'"\n')
    cases["ndjson blank lines"] = ("ndjson", b" \n" * 4_500_000 + b"{}")
    cases["json values"] = ("json", b'{"customers":[{"age":[' + b"[]," * 3_000_000 + b"0]}]}")
    cases["json members"] = ("json", json.dumps({f"name{number}": 0 for number in range(600_000)}).encode())
    with zipfile.ZipFile(tmp_path / "cases.zip", "w") as kept:
        for name, (sent, body) in cases.items():
            kept.writestr(f"{sent}/{name}", body)
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(models_dir), str(tmp_path / "cases.zip")],
        capture_output=True,
        text=True,
        check=True,
    )
    grown = json.loads(measured.stdout.splitlines()[-1])
    assert grown.keys() == cases.keys()
    assert {name: size for name, size in grown.items() if size > 100} == {}


MEASURE = """
import json, sys, zipfile
from churn_api.app import create_app
from churn_api.tables.formats import FORMATS

def most():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

client = create_app({"MODELS_DIR": sys.argv[1]}).test_client()

def post(format, body):
    kind = "application/json" if format == "json" else FORMATS[format].media_type
    query = "" if format == "json" else "?keep=column0"
    return client.post("/api/v1/batch-predict" + query, data=body, content_type=kind).status_code

post("csv", b"age\\n")  # loads what tables need
grown = {}
with zipfile.ZipFile(sys.argv[2]) as cases:
    for name in cases.namelist():
        body = cases.read(name)
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
        before = most()
        status = post(name.partition("/")[0], body)
        assert 400 <= status < 500, (name, status)
        grown[name.partition("/")[2]] = most() - before
print(json.dumps(grown))
"""


@pytest.mark.parametrize("route", [ONE, "/api/v1/jobs", "/api/v1/token"])
def test_members(client, validated, route):
    """A JSON object with hundreds of thousands of members is refused on every route."""
    body = json.dumps(GOOD | {f"name{number}": 0 for number in range(500_000)})
    response = client.post(route, data=body, content_type=JSON)
    assert (problem(response), response.json["limit"], validated) == ((413, "too-large"), MAX_COLUMNS, [])


@pytest.mark.parametrize("value", [b"[" + b"[]," * 1_000_000 + b"0]", b'"' + b"," * 1_000_000 + b'"'])
def test_values(client, value):
    """Nested lists are refused by their number of values; commas in a text do not count."""
    response = client.post(ONE, data=b'{"age":' + value + b"}", content_type=JSON)
    nested = value.startswith(b"[")
    assert problem(response) == ((413, "too-large") if nested else (422, "validation-failed"))


@pytest.mark.parametrize("route", [ONE, BATCH])
def test_chunked_json(client, route):
    """Chunked JSON without a length that exceeds the limit is too large, not malformed."""
    stream = io.BytesIO(b'{"age":"' + b"x" * (11 << 20))
    given = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    response = client.post(route, input_stream=stream, content_type=JSON, environ_overrides=given)
    assert problem(response) == (413, "too-large")


def test_form_fields(client):
    """A form of a hundred thousand fields, or of one that is megabytes long, is too large."""
    fields = {f"field{number}": "x" for number in range(20_000)}
    for some in (fields, {"model": "x" * 2_000_000}):
        response = client.post("/api/v1/jobs", data=form(b"a\n1", **some), content_type=FORM)
        assert problem(response) == (413, "too-large")
