"""`/invocations` and `/ping`: what MLflow's clients send, and the answers that they expect."""

import json

import pytest
import requests
from builders import customers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import churn_api.app
from churn_api.app import create_app
from churn_api.serving.data_plane import DataPlane
from churn_api.settings import PROTOCOLS
from churn_api.store.database import DatabaseAway

TABLE = customers(12, seed=7).drop(columns=["Churn", "customerID"]).dropna()
NAMES = list(TABLE.columns)
RECORDS = TABLE.to_dict("records")
SPLIT = {"columns": NAMES, "data": [list(record.values()) for record in RECORDS]}


@pytest.fixture
def small(models_dir, make_key):
    """A client of an application whose default model is `small`, with a key for predictions."""
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "small", "AUTH": "required"}
    client = create_app(chosen).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key("predict")
    return client


def invoke(client, body, **options):
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post("/invocations", data=data, **options)


@pytest.fixture
def expected(small):
    """The probabilities of the same records by /api/v1."""
    answer = small.post("/api/v1/batch-predict", json={"customers": RECORDS}).json
    return [row["churn_probability"] for row in answer["predictions"]]


FORMS = {
    "split": {"dataframe_split": SPLIT},
    "split with an index": {"dataframe_split": SPLIT | {"index": list(range(7, 7 + len(RECORDS)))}},
    "split without columns": {"dataframe_split": {"data": SPLIT["data"]}},
    "records": {"dataframe_records": RECORDS},
    "instances": {"instances": RECORDS},
    "instances by position": {"instances": SPLIT["data"]},
    "inputs by column": {"inputs": TABLE.to_dict("list")},
    "inputs as a list": {"inputs": RECORDS},
    "a bare list of rows": SPLIT["data"],
    "features": {"instances": [{"features": row} for row in SPLIT["data"]]},
    "nested features": {"instances": [{"data": {"features": {"values": row}}} for row in SPLIT["data"]]},
    "another order": {"instances": [dict(reversed(record.items())) for record in RECORDS]},
    "more columns": {"instances": [{"Churn": "No", "zz": 1} | record for record in RECORDS]},
    "integers as floats": {"instances": [record | {"tenure": float(record["tenure"])} for record in RECORDS]},
    "numbers as texts": {"instances": [record | {"tenure": str(record["tenure"])} for record in RECORDS]},
    "booleans as numbers": {"instances": [record | {"Partner": int(record["Partner"] == "Yes")} for record in RECORDS]},
    "no parameters": {"instances": RECORDS, "params": None, "more": 1},
    "unknown parameters": {"instances": RECORDS, "params": {"timeout": 3}},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(small, expected, form):
    """Each form of a body gets the probabilities of /api/v1, and names the model in headers."""
    answer = invoke(small, FORMS[form])
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    assert list(answer.json) == ["predictions"]
    assert [row["churn_probability"] for row in answer.json["predictions"]] == expected
    assert set(answer.json["predictions"][0]) == {"churn_prediction", "churn_probability", "risk_band"}
    assert (answer.headers["Churn-Model"], answer.headers["Churn-Model-Version"]) == ("small", "2")


def test_one_record_of_scalars(small, expected):
    """`inputs` with scalars is one record."""
    answer = invoke(small, {"inputs": RECORDS[0]})
    assert [row["churn_probability"] for row in answer.json["predictions"]] == expected[:1]


def test_gaps(small):
    """Null, the bare word NaN, a blank text and an absent member are one missing value."""
    record = RECORDS[0] | {"MonthlyCharges": None}
    least = {name: value for name, value in record.items() if value is not None}
    forms = [json.dumps(record), json.dumps(record).replace("null", "NaN"), json.dumps(least)]
    forms.append(json.dumps(record | {"MonthlyCharges": " "}))
    answer = invoke(small, f'{{"instances": [{",".join(forms)}]}}')
    assert answer.status_code == 200, answer.text
    assert len({row["churn_probability"] for row in answer.json["predictions"]}) == 1


def test_the_word_nan_in_texts(small):
    """The letters NaN inside a text are no gap."""
    answer = invoke(small, {"instances": [RECORDS[0] | {"customer_id": 'NaN "NaN" \\'}]})
    assert answer.json["predictions"][0]["customer_id"] == 'NaN "NaN" \\'


def test_identifiers(small):
    """Identifiers come back in their order, and null for a record without one."""
    rows = [RECORDS[0] | {"customerID": "A"}, RECORDS[1], RECORDS[2] | {"customer_id": 7}]
    answer = invoke(small, {"instances": rows})
    assert [row["customer_id"] for row in answer.json["predictions"]] == ["A", None, 7]


def test_threshold(small, expected):
    """The threshold moves the prediction alone."""
    for threshold, predicted in ((0, {1}), (1.0, {0})):
        rows = invoke(small, {"instances": RECORDS, "params": {"threshold": threshold}}).json["predictions"]
        assert {row["churn_prediction"] for row in rows} == predicted
        assert [row["churn_probability"] for row in rows] == expected


def test_reasons(small):
    """Reasons are those of /api/v1."""
    own = small.post("/api/v1/predict?reasons=2", json=RECORDS[0]).json
    (row,) = invoke(small, {"instances": RECORDS[:1], "params": {"reasons": 2}}).json["predictions"]
    for name in ("reasons", "others", "log_odds", "base"):
        assert row[name] == own[name]


REQUIRED = "tenure"
MALFORMED = {
    "broken": "{",
    "a number": "1",
    "a text": '"1"',
    "a list": "[1]",
    "a list of objects": json.dumps(RECORDS),
    "empty": "",
    "null": "null",
    "no member": "{}",
    "not UTF-8": b'{"instances": [{"a": "\xff"}]}',
    "unknown form": {"nope": RECORDS},
    "two forms": {"instances": RECORDS, "inputs": RECORDS},
    "records that are a split": {"dataframe_records": SPLIT},
    "a split that is a list": {"dataframe_split": RECORDS},
    "another member in a split": {"dataframe_split": SPLIT | {"x": 1}},
    "a longer index": {"dataframe_split": SPLIT | {"index": [0]}},
    "shorter rows": {"dataframe_split": SPLIT | {"columns": [*NAMES, "zz"]}},
    "a name twice": {"dataframe_split": {"columns": [NAMES[0], NAMES[0]], "data": [[1, 2]]}},
    "unequal columns": {"inputs": {"tenure": [1], "Partner": ["Yes", "No"]}},
    "lists and scalars": {"inputs": {"tenure": [1], "Partner": "Yes"}},
    "params that are a text": {"instances": RECORDS, "params": "x"},
    "deep": "[" * 5000,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(small, what):
    """A body without the form of the protocol is a 400 in MLflow's form."""
    answer = invoke(small, MALFORMED[what], content_type="application/json")
    assert (answer.status_code, answer.content_type) == (400, "application/json"), answer.text
    assert answer.json["error_code"] == "BAD_REQUEST"
    assert answer.json["message"]
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


INVALID = {
    "no records": ({"instances": []}, "#/instances"),
    "no rows": ({"dataframe_split": {"columns": NAMES, "data": []}}, "#/dataframe_split/columns"),
    "a fraction": ({"instances": [RECORDS[0], RECORDS[1] | {"tenure": 5.5}]}, "#/instances/1/tenure"),
    "a word": ({"inputs": {"tenure": [1, "five"]}}, "#/inputs/tenure/1"),
    "a cell": ({"dataframe_split": {"columns": ["tenure"], "data": [[1], ["x"]]}}, "#/dataframe_split/data/1/0"),
    "by position": ({"instances": [["x", *SPLIT["data"][0][1:]]]}, "#/instances/0/0"),
    "too short": ({"instances": [SPLIT["data"][0][:-1]]}, "#/instances/0"),
    "a missing column": ({"dataframe_split": {"columns": ["Partner"], "data": [["Yes"]]}}, "#/dataframe_split/columns"),
    "a missing value": ({"dataframe_records": [{"Partner": "Yes"}]}, "#/dataframe_records/0/tenure"),
    "a scalar": ({"inputs": {"tenure": "x"}}, "#/inputs/tenure"),
    "a threshold": ({"instances": RECORDS, "params": {"threshold": "0.5"}}, "#/params/threshold"),
    "a threshold above 1": ({"instances": RECORDS, "params": {"threshold": 2}}, "#/params/threshold"),
    "too many reasons": ({"instances": RECORDS, "params": {"reasons": 21}}, "#/params/reasons"),
}


@pytest.mark.parametrize("what", INVALID)
def test_invalid(small, what):
    """A fault of a value is a 400 that names its place in the body, and its column in the message."""
    body, pointer = INVALID[what]
    answer = invoke(small, body)
    assert (answer.status_code, answer.content_type) == (400, "application/json"), answer.text
    assert answer.json["error_code"] == "INVALID_PARAMETER_VALUE"
    assert pointer in [fault["pointer"] for fault in answer.json["errors"]]
    if answer.json["errors"][0].get("column"):
        assert answer.json["errors"][0]["column"] in answer.json["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/json; x=y", "application/json; charset=latin-1"])
def test_types_that_are_refused(small, kind):
    """Another type, charset or parameter is a 415 in plain text."""
    answer = invoke(small, {"instances": RECORDS}, content_type=kind)
    assert (answer.status_code, answer.mimetype) == (415, "text/plain")
    assert "application/json" in answer.text


@pytest.mark.parametrize("kind", [None, "Application/JSON", 'application/json; charset="UTF-8"'])
def test_types_that_are_taken(small, kind):
    """No type means JSON, and neither case nor quotes matter."""
    assert invoke(small, {"instances": RECORDS}, content_type=kind).status_code == 200


def test_methods(small):
    """Another method is a 405 in the protocol's form, with the methods that are allowed."""
    answer = small.get("/invocations")
    assert (answer.status_code, answer.json["code"]) == (405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/invocations", "/ping"])
def test_query(small, path):
    """An unknown query parameter is a 400 in the protocol's form."""
    answer = small.open(f"{path}?treshold=1", method="POST" if path == "/invocations" else "GET", data="{}")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "treshold")


def test_keys(small, make_key):
    """Predictions need a key with their scope, and take it as the password of Basic; /ping needs none."""
    sent = {"headers": {"X-API-Key": ""}}
    del small.environ_base["HTTP_X_API_KEY"]
    missing = invoke(small, {"instances": RECORDS})
    assert (missing.status_code, missing.json["error_code"]) == (401, "UNAUTHENTICATED")
    assert "WWW-Authenticate" in missing.headers
    assert invoke(small, {"instances": RECORDS}, **sent).json["error_code"] == "UNAUTHENTICATED"
    other = invoke(small, {"instances": RECORDS}, headers={"X-API-Key": make_key("ops", name="other")})
    assert (other.status_code, other.json["error_code"]) == (403, "PERMISSION_DENIED")
    assert invoke(small, {"instances": RECORDS}, auth=("any", make_key("predict", name="basic"))).status_code == 200
    assert small.get("/ping").status_code == 200


def test_ready(small, models_dir):
    """/ping is 200 with a line feed while the default model can predict, else 503 with Retry-After."""
    answer = small.get("/ping")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "\n", "text/plain")
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "nothing"}
    other = create_app(chosen).test_client()
    for answer in (other.get("/ping"), invoke(other, {"instances": RECORDS})):
        assert (answer.status_code, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        assert "Retry-After" in answer.headers


def test_version(small):
    """/version is this service's version as bare text."""
    answer = small.get("/version")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, churn_api.__version__, "text/plain")


FAILURES = [
    (RuntimeError("secret"), 500, "INTERNAL_ERROR"),
    (DatabaseAway("secret"), 503, "TEMPORARILY_UNAVAILABLE"),
]


@pytest.mark.parametrize(("error", "status", "name"), FAILURES)
def test_failures(small, monkeypatch, error, status, name):
    """What fails here is a 500 in the protocol's form, and an unreachable database a 503; neither says more."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(DataPlane, "predict", fail)
    answer = invoke(small, {"instances": RECORDS})
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert answer.json["error_code"] == name
    assert "secret" not in answer.text
    assert status == 500 or "Retry-After" in answer.headers


def limited(models_dir, **limits):
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "small", "RATELIMIT_ENABLED": True}
    return create_app(chosen | limits).test_client()


def test_limits(models_dir):
    """One record is counted as a single prediction, more as a batch; beyond that there is a 429 with Retry-After."""
    client = limited(models_dir, RATELIMIT_PREDICT="4/hour", RATELIMIT_BATCH="1/hour")
    one, two = {"instances": RECORDS[:1]}, {"instances": RECORDS[:2]}
    assert [invoke(client, body).status_code for body in (one, two, two, one, one)] == [200, 200, 429, 200, 429]
    answer = invoke(client, one)
    assert answer.json["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert int(answer.headers["Retry-After"]) > 0


def test_sizes(models_dir):
    """Rows, values and bytes beyond the limits are a 413, before anything is read."""
    client = create_app(
        {"MODELS_DIR": str(models_dir), "TESTING": True, "DEFAULT_MODEL": "small", "MAX_BATCH_ROWS": 2}
    ).test_client()
    columns = {"inputs": TABLE.to_dict("list")}
    for body in ({"instances": RECORDS[:3]}, columns, "[" + "[]," * (1 << 18), "x" * (11 << 20)):
        answer = invoke(client, body)
        assert (answer.status_code, answer.json["code"]) == (413, "too-large")


def test_names_of_protocols():
    """Each name that the setting takes is a protocol's, and the other way around."""
    assert tuple(churn_api.app.PROTOCOLS) == PROTOCOLS


def test_turned_off(models_dir):
    """A protocol that is off has no routes."""
    client = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "PROTOCOLS": []}).test_client()
    assert [client.get("/ping").status_code, invoke(client, {}).status_code] == [404, 404]


def test_metrics(small, make_key):
    """Metrics have the protocol of each request, and the fields of its faults."""
    invoke(small, {"instances": RECORDS}, buffered=True)
    invoke(small, {"dataframe_split": {"columns": NAMES, "data": [["x", *SPLIT["data"][0][1:]]]}}, buffered=True)
    metrics = small.get("/api/v1/metrics", headers={"X-API-Key": make_key("ops", name="ops")}).text
    samples = {line.rpartition(" ")[0] for line in metrics.splitlines()}
    labels = 'method="POST",protocol="invocations",route="/invocations"'
    assert {f'http_requests_total{{{labels},status="{status}"}}' for status in (200, 400)} <= samples
    assert 'validation_failures_total{code="wrong-type",field="tenure",model="small"}' in samples


def test_log(serve, models_dir):
    """The log line of a request has the protocol, the model and the rows, and nothing that the client sent."""
    with serve(models_dir, CHURN_DEFAULT_MODEL="small", CHURN_LOG_FORMAT="json") as server:
        headers = {"X-Request-ID": "logged"}
        body = {"instances": [RECORDS[0] | {"Contract": "Secret"}]}
        assert requests.post(f"{server.url}/invocations", json=body, headers=headers, timeout=10).status_code == 400
        line = server.line_of("logged")
    known = {"protocol": "invocations", "model": "small", "rows": 1, "bad_rows": 1, "problem": "validation-failed"}
    assert known.items() <= line.items()
    assert "Secret" not in str(line)


KEYS = st.sampled_from([*NAMES, "data", "columns"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(KEYS, children, max_size=4),
    max_leaves=12,
)
MEMBERS = ["dataframe_split", "dataframe_records", "instances", "inputs", "params"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=2))
def test_any_json(small, body):
    """Any JSON is answered, or refused in the protocol's form."""
    answer = invoke(small, body)
    assert answer.status_code in (200, 400, 413)
    assert set(answer.json) >= ({"predictions"} if answer.status_code == 200 else {"error_code", "message", "code"})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from([None, "application/json", "text/csv", 'a/b;c="d']))
def test_any_bytes(small, body, kind):
    """Any bytes of any type are refused in the protocol's form."""
    answer = invoke(small, body, content_type=kind)
    assert answer.status_code in (400, 415)
