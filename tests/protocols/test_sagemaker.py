"""What SageMaker's clients send to `/invocations` in addition to MLflow's forms, and the answers that they expect."""

import io
import json

import pytest
from builders import customers

from churn_api.app import create_app

TABLE = customers(12, seed=7).drop(columns=["Churn", "customerID"]).dropna()
RECORDS = TABLE.to_dict("records")
ROWS = [list(record.values()) for record in RECORDS]
CSV, LINES = "text/csv", "application/jsonlines"
PARQUET = "application/vnd.apache.parquet"
WITH_HEADER, WITHOUT_HEADER = TABLE.to_csv(index=False), TABLE.to_csv(index=False, header=False)


@pytest.fixture
def small(models_dir):
    """A client of an application whose default model is `small`."""
    return create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "small"}).test_client()


@pytest.fixture
def expected(small):
    """The probabilities of the same records by /api/v1."""
    answer = small.post("/api/v1/batch-predict", json={"customers": RECORDS}).json
    return [row["churn_probability"] for row in answer["predictions"]]


def invoke(client, body, kind, path="/invocations", **headers):
    return client.post(path, data=body, content_type=kind, headers=headers)


def parquet():
    sink = io.BytesIO()
    TABLE.to_parquet(sink, index=False)
    return sink.getvalue()


def lines(rows):
    return "\n".join(json.dumps(row) for row in rows)


BODIES = {
    "CSV": (WITH_HEADER, CSV),
    "CSV; charset": (WITH_HEADER, "text/csv; charset=UTF-8"),
    "CSV without a header": (WITHOUT_HEADER, CSV),
    "CSV with a byte order mark": ("\ufeff" + WITHOUT_HEADER, CSV),
    "CSV with CRLF": (WITHOUT_HEADER.replace("\n", "\r\n"), CSV),
    "CSV without a last line feed": (WITHOUT_HEADER.rstrip("\n"), CSV),
    "CSV with quotes": (TABLE.to_csv(index=False, header=False, quoting=1), CSV),
    "CSV with semicolons": (TABLE.to_csv(index=False, header=False, sep=";"), CSV),
    "CSV with another order": (TABLE[list(reversed(TABLE.columns))].assign(zz=1).to_csv(index=False), CSV),
    "CSV; header=present": (WITH_HEADER, "text/csv; header=present"),
    "CSV; header=absent": (WITHOUT_HEADER, "text/csv; header=absent; label_size=0"),
    "Parquet": (parquet(), PARQUET),
    "lines": (lines(RECORDS), LINES),
    "lines of features": (lines({"features": row} for row in ROWS), LINES),
    "lines as NDJSON": (lines(RECORDS) + "\n\n", "application/x-ndjson"),
    "a list of rows": (json.dumps(ROWS), "application/json"),
}


@pytest.mark.parametrize("what", BODIES)
def test_bodies(small, expected, what):
    """Each form of a body gets the probabilities of /api/v1."""
    body, kind = BODIES[what]
    answer = invoke(small, body, kind)
    assert answer.status_code == 200, answer.text
    assert [row["churn_probability"] for row in answer.json["predictions"]] == expected
    assert set(answer.json["predictions"][0]) == {"churn_prediction", "churn_probability", "risk_band"}
    assert answer.headers["Churn-Model"] == "small"


def test_identifiers(small):
    """A table's identifiers come back."""
    body = TABLE.assign(customerID=[f"C{row}" for row in range(len(TABLE))]).to_csv(index=False)
    answer = invoke(small, body, CSV)
    assert [row["customer_id"] for row in answer.json["predictions"]] == [f"C{row}" for row in range(len(TABLE))]


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "image/png", "application/json, text/csv;q=0.5"])
def test_json_answer(small, accept):
    """Without a preference for another form, the answer is JSON."""
    answer = invoke(small, WITH_HEADER, CSV, **({"Accept": accept} if accept else {}))
    assert (answer.status_code, answer.content_type) == (200, "application/json")


@pytest.mark.parametrize("body", [(WITHOUT_HEADER, CSV), (json.dumps({"instances": RECORDS}), "application/json")])
def test_csv_answer(small, expected, body):
    """A CSV has one probability in a line, in all its digits, and no header."""
    answer = invoke(small, *body, Accept="text/csv")
    assert answer.content_type == "text/csv"
    assert [float(line) for line in answer.text.splitlines()] == expected
    assert answer.text.endswith("\n")


@pytest.mark.parametrize("kind", [LINES, "application/x-ndjson"])
def test_lines_answer(small, expected, kind):
    """Lines of JSON have one prediction each."""
    answer = invoke(small, lines(RECORDS), LINES, Accept=kind)
    assert answer.content_type == kind
    assert [json.loads(line)["churn_probability"] for line in answer.text.splitlines()] == expected


@pytest.mark.parametrize("kind", ["application/x-npy", "application/x-recordio-protobuf", "text/libsvm"])
def test_types_that_are_refused(small, kind):
    """Types that cannot hold texts and numbers are a 415."""
    assert invoke(small, b"\x00", kind).status_code == 415


@pytest.mark.parametrize("kind", ["text/csv; header=maybe", "text/csv; label_size=1", "text/csv; x=y"])
def test_parameters_that_are_refused(small, kind):
    """Parameters of CSV with another meaning are a 415."""
    assert invoke(small, WITH_HEADER, kind).status_code == 415


MALFORMED = {
    "an empty CSV": (b"", CSV),
    "blank lines": (b"\n\n", CSV),
    "not UTF-8": (WITH_HEADER.encode() + b"\xff", CSV),
    "not UTF-8 in the first row": (b"\xff,1\n", CSV),
    "too few values": ("1,2\n", CSV),
    "a header alone": (TABLE.head(0).to_csv(index=False), CSV),
    "more values in a row": (WITHOUT_HEADER + "1,2,3\n", CSV),
    "a header that is data": (WITHOUT_HEADER, "text/csv; header=present"),
    "an open quote": ('"5', CSV),
    "garbage for Parquet": (b"PAR1xxxx", PARQUET),
    "an empty Parquet": (b"", PARQUET),
    "no lines": (b"", LINES),
    "a broken line": (lines(RECORDS) + "\n{", LINES),
    "lines that are no records": ("1\n2", LINES),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(small, what):
    """A table that cannot be read is a 400 in MLflow's form."""
    answer = invoke(small, *MALFORMED[what])
    assert (answer.status_code, answer.content_type) == (400, "application/json"), answer.text
    assert answer.json["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE")
    assert not {"None", "field"} & set(answer.json["message"].split())


def test_missing_column(small):
    """A missing column of a CSV is named in the message."""
    answer = invoke(small, TABLE.drop(columns="tenure").to_csv(index=False), CSV)
    assert (answer.status_code, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "tenure" in answer.json["message"]


@pytest.mark.parametrize(("header", "row"), [(True, 3), (False, 2)])
def test_bad_row(small, header, row):
    """A fault of a CSV names its row as it stands in the body, and its column."""
    table = TABLE.astype({"tenure": object})
    table.iloc[1, 0] = "Secret"
    answer = invoke(small, table.to_csv(index=False, header=header), CSV)
    assert (answer.status_code, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    (fault,) = answer.json["errors"]
    assert (fault["row"], fault["column"]) == (row, "tenure")
    assert f"row {row}, tenure" in answer.json["message"]
    assert "Secret" not in answer.text


def test_bad_line(small):
    """A fault of a line has its index."""
    answer = invoke(small, lines([RECORDS[0], RECORDS[1] | {"tenure": 5.5}]), LINES)
    assert answer.json["errors"][0]["pointer"] == "#/1/tenure"


def test_rows_beyond_the_limit(models_dir):
    """More rows than the limit are a 413, in each type."""
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "small", "MAX_BATCH_ROWS": 2}
    client = create_app(chosen).test_client()
    for body in ((WITH_HEADER, CSV), (WITHOUT_HEADER, CSV), (parquet(), PARQUET), (lines(RECORDS), LINES)):
        assert invoke(client, *body).status_code == 413, body


def test_limits(models_dir):
    """A table of more than one row is counted as a batch."""
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "small", "RATELIMIT_ENABLED": True}
    client = create_app(chosen | {"RATELIMIT_BATCH": "1/hour"}).test_client()
    one = TABLE.head(1).to_csv(index=False)
    sent = [one, WITH_HEADER, one, WITH_HEADER]
    assert [invoke(client, body, CSV).status_code for body in sent] == [200, 200, 200, 429]


def test_custom_attributes(small):
    """Custom attributes come back as they came, and are left out where none came or none can be shown."""
    name = "X-Amzn-SageMaker-Custom-Attributes"
    body = json.dumps({"instances": RECORDS}), "application/json"
    assert invoke(small, *body, **{name: "trace=7; a b"}).headers[name] == "trace=7; a b"
    assert name not in invoke(small, *body).headers
    assert name not in invoke(small, *body, **{name: "x" * 1025}).headers
    assert name not in invoke(small, *body, **{name: "é"}).headers


def test_execution_parameters(models_dir):
    """Batch transform may send as many requests at once as there are workers, of at most the size limit."""
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": "required"}
    client = create_app(chosen | {"WEB_CONCURRENCY": 3, "MAX_CONTENT_LENGTH": 5 << 20}).test_client()
    answer = client.get("/execution-parameters")
    assert answer.json == {"MaxConcurrentTransforms": 3, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 5}


@pytest.mark.parametrize("path", ["/endpoints/{}/invocations", "/serving-endpoints/{}/invocations"])
def test_models_by_name(small, expected, path):
    """A path may name the model; an unknown one is a 404 in MLflow's form, with `message` and `code`."""
    answer = invoke(small, json.dumps({"instances": RECORDS}), "application/json", path=path.format("small"))
    assert [row["churn_probability"] for row in answer.json["predictions"]] == expected
    unknown = invoke(small, "{}", "application/json", path=path.format("smal"))
    assert (unknown.status_code, unknown.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert (unknown.json["code"], "small" in unknown.json["message"]) == ("unknown-model", True)


def test_key_with_a_signature(models_dir, make_key):
    """The signature that boto3 sends in Authorization does not matter where there is a key."""
    client = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": "required"}).test_client()
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=A/B", "X-API-Key": make_key("predict")}
    body = json.dumps({"instances": RECORDS})
    answer = client.post("/endpoints/small/invocations", data=body, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("protocols", [["mlflow"], ["sagemaker"], ["databricks"]])
def test_protocols_of_their_own(models_dir, protocols):
    """A protocol has its own routes, and those that it shares with others."""
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "PROTOCOLS": protocols}
    client = create_app(chosen).test_client()
    found = {
        path
        for path in ("/ping", "/version", "/execution-parameters", "/.well-known/databricks-config")
        if client.get(path).status_code != 404
    }
    routes = {"mlflow": {"/version", "/ping"}, "sagemaker": {"/ping", "/execution-parameters"}, "databricks": set()}
    assert found == routes[protocols[0]]
