"""Every problem that these routes can return."""

import shutil

import pytest
from builders import CUSTOMER

from churn_api.app import create_app
from churn_api.tables.formats import FORMATS
from churn_api.web.core.problems import KINDS

PREDICT, BATCH = "/api/v1/predict", "/api/v1/batch-predict"
MEMBERS = {"type", "title", "status", "code", "detail", "instance", "request_id"}


def assert_problem(response, status, code):
    """All errors have the same form."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    problem = response.json
    assert set(problem) >= MEMBERS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:churn-api:problem:{code}"
    assert problem["title"] == KINDS[code].title
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert "Traceback" not in response.text
    return problem


@pytest.mark.parametrize("route", [PREDICT, BATCH])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"tenure": NaN}',
        b'{"tenure": Infinity}',
        b'{"tenure": 1e400}',
        b"\xff\xfe",
        b'{"tenure": "\\ud800"}',
        b"{} {}",
        b"[" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"tenure=1",
    ],
    ids=range(11),
)
def test_malformed_json(client, route, body):
    """A body that does not parse is a 400 that says where it stops being JSON."""
    problem = assert_problem(client.post(route, data=body, content_type="application/json"), 400, "malformed-json")
    assert "line 1" in problem["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/html", "", None])
@pytest.mark.parametrize(
    ("route", "accepted"),
    [
        (PREDICT, {"application/json"}),
        (BATCH, {"application/json", *(kind.media_type for kind in FORMATS.values())}),
    ],
)
def test_unsupported_media_type(client, route, accepted, content_type):
    """A body of another type is a 415 that lists the accepted types: for a batch tables too."""
    response = client.post(route, data=b"{}", content_type=content_type)
    assert set(assert_problem(response, 415, "unsupported-media-type")["accepted"]) == accepted


def test_one_customer_is_no_table(client):
    """A single prediction does not accept a table."""
    assert_problem(client.post(PREDICT, data=b"{}", content_type="text/csv"), 415, "unsupported-media-type")


@pytest.mark.parametrize("route", [PREDICT, BATCH, "/api/v1/models"])
def test_not_acceptable(client, route):
    """A client that accepts no JSON gets 406; one that accepts anything, or says nothing, gets JSON."""
    method = "GET" if route.endswith("models") else "POST"
    response = client.open(route, method=method, headers={"Accept": "text/html"}, json={})
    assert_problem(response, 406, "not-acceptable")
    for accepted in ("*/*", "application/*", "application/json", "text/html, application/json;q=0.5"):
        response = client.open(route, method=method, headers={"Accept": accepted}, json={})
        assert response.status_code != 406


def test_not_found(client):
    """An unknown path is 404 with every method."""
    for path in ("/nope", "/api/v1", "/api/v2/predict", "//api/v1/predict", "/api/v1/models/a/b", "/static/../wsgi.py"):
        assert_problem(client.get(path), 404, "not-found")


@pytest.mark.parametrize("name", ["nobody", "..", "small%00", "SMALL", " ", "a" * 5000])
def test_unknown_model(client, name):
    """An unknown model is 404 on every route that takes one, odd names too."""
    assert_problem(client.post(f"{PREDICT}/{name}", json=CUSTOMER), 404, "unknown-model")
    assert_problem(client.post(f"{BATCH}/{name}", json={"customers": [CUSTOMER]}), 404, "unknown-model")
    assert_problem(client.get(f"/api/v1/models/{name}"), 404, "unknown-model")


def test_paths_in_place_of_a_name(client):
    """A path in place of a model's name is 404."""
    assert_problem(client.post(f"{PREDICT}/%2e%2e%2fsmall", json=CUSTOMER), 404, "not-found")


@pytest.mark.parametrize("version", ["3", "0", "01", "-1", "latest", "../1", "1/../2"])
def test_unknown_version(client, version):
    """An unknown version is 404."""
    response = client.post(f"{PREDICT}/small", query_string={"version": version}, json=CUSTOMER)
    assert_problem(response, 404, "unknown-version")


@pytest.mark.parametrize(("method", "route"), [("GET", PREDICT), ("PUT", BATCH), ("POST", "/health"), ("TRACE", "/")])
def test_method_not_allowed(client, method, route):
    """A wrong method is 405, with the allowed ones in Allow."""
    response = client.open(route, method=method)
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"]
    assert method not in response.headers["Allow"].split(", ")


def test_too_large(models_dir):
    """A body above the limit is a 413 that names the limit."""
    client = create_app({"MODELS_DIR": str(models_dir), "MAX_CONTENT_LENGTH": 1000}).test_client()
    response = client.post(PREDICT, data=b'{"a": "' + b"x" * 2000 + b'"}', content_type="application/json")
    assert "1000 bytes" in assert_problem(response, 413, "too-large")["detail"]


def test_ten_megabytes_of_one_field(client):
    """Ten megabytes in one field are refused by the limit, and nine by the field, without being repeated."""
    assert client.post(PREDICT, json={"contract": "x" * 11_000_000}).status_code == 413
    response = client.post(PREDICT, json={"contract": "x" * 9_000_000, "y" * 900_000: 1})
    problem = assert_problem(response, 422, "validation-failed")
    assert len(response.data) < 2000
    assert len(problem["errors"]) == 5


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("threshold=2", "threshold"),
        ("threshold=-0.1", "threshold"),
        ("threshold=nan", "threshold"),
        ("threshold=inf", "threshold"),
        ("threshold=half", "threshold"),
        ("threshold=", "threshold"),
        ("version=", "version"),
        ("treshold=0.5", "treshold"),
        ("threshold=0.1&threshold=0.2", "threshold"),
    ],
)
def test_query(client, query, parameter):
    """An invalid query is a 422 that names the parameter; a misspelt one is not ignored."""
    problem = assert_problem(client.post(f"{PREDICT}?{query}", json={}), 422, "validation-failed")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


def test_misspelt_parameter_is_guessed(client):
    """A misspelt parameter gets the one that was probably meant."""
    problem = client.post(f"{PREDICT}?treshold=0.5", json={}).json
    assert problem["errors"][0]["hint"] == "Did you mean 'threshold'?"


def test_the_contracts_example(client):
    """The faults of a record come all at once, with pointer, code, message and hint, and without what was sent."""
    body = {"age": "s3cret", "tenure": 1, "contract": "Month to month", "totl_charges": 5}
    response = client.post(PREDICT, json=body)
    problem = assert_problem(response, 422, "validation-failed")
    assert problem["detail"] == "4 fields are not valid"
    assert {error["pointer"]: error.get("hint") for error in problem["errors"]} == {
        "#/age": "Send it without quotes.",
        "#/monthly_charges": None,
        "#/contract": "Did you mean 'Month-to-month'?",
        "#/totl_charges": "Did you mean 'total_charges'?",
    }
    assert "s3cret" not in response.text
    assert "Month to month" not in response.text


def test_internal_error(app, client, caplog, monkeypatch):
    """An unexpected exception is a 500 with the request id only; the log has the traceback under the same id."""
    monkeypatch.setattr("churn_api.web.v1.predict.predict_batch", _fail)
    response = client.post(PREDICT, json={"age": 35, "tenure": 24, "monthly_charges": 65.5})
    assert_problem(response, 500, "internal-error")
    assert "s3cret" not in response.text
    response.close()
    assert response.json["request_id"] in caplog.text
    assert "in _fail" in caplog.text


def _fail(*arguments, **options):
    raise RuntimeError("s3cret")


@pytest.fixture
def spoilt(models_dir, tmp_path):
    """An application whose default model was changed after it was packaged."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    (models / "default" / "1" / "model.onnx").write_bytes(b"")
    return create_app({"MODELS_DIR": str(models)}).test_client()


@pytest.mark.parametrize("route", [PREDICT, BATCH, f"{PREDICT}/default"])
def test_model_not_ready(spoilt, route):
    """Predictions of a model that cannot be loaded are 503 with Retry-After; other models work."""
    response = spoilt.post(route, json={})
    assert_problem(response, 503, "model-not-ready")
    assert response.headers["Retry-After"]
    assert spoilt.post(f"{PREDICT}/small", json=CUSTOMER).status_code == 200


def test_readiness_names_what_is_not_ready(spoilt):
    """Readiness stays 503 and says which part is not ready and why, without a path."""
    response = spoilt.get("/health/ready")
    problem = assert_problem(response, 503, "model-not-ready")
    assert problem["part"] == "model"
    assert "model.onnx is not the file that was packaged" in problem["detail"]
    assert "/" not in problem["detail"]


def test_health_is_unhealthy(spoilt):
    """The report is `unhealthy` and names the model that cannot be loaded; liveness is 200."""
    report = spoilt.get("/api/v1/health").json
    assert report["status"] == "unhealthy"
    assert list(report["checks"]["models"]["refused"]) == ["default"]
    assert spoilt.get("/health/live").status_code == 200


@pytest.mark.parametrize("sent", ["abc", "A-1._", "a" * 64])
def test_request_id_is_taken_over(client, sent):
    """A well-formed request id is kept, on errors too."""
    assert client.get("/nope", headers={"X-Request-ID": sent}).json["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "a" * 65, "<script>", "ä", "a\tb"])
def test_other_request_ids_are_replaced(client, sent):
    """Any other request id is replaced by a generated one."""
    made = client.get("/health/live", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
    assert made != sent
    assert len(made) == 32


@pytest.mark.parametrize("path", ["/", "/nope", PREDICT, "/docs", "/openapi.json", "/flasgger_static/swagger-ui.css"])
def test_headers_of_every_answer(client, path):
    """Every response has a request id, nosniff, and a Content-Security-Policy that allows nothing by default."""
    with client.get(path) as response:
        headers = response.headers
    assert headers["X-Request-ID"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
