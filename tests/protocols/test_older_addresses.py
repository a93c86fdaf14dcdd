"""The older addresses: every one answers in its own form, as deprecated, and under the same rules as its successor."""

import io

import pytest
from builders import CUSTOMER

from churn_api.app import create_app
from churn_api.web.core.in_process_api import close

ANNA = {"customer_id": "A-17", "age": 51, "tenure": 3, "monthly_charges": 99.9}
BERT = {"customer_id": "B-4", "age": 29, "tenure": 60, "monthly_charges": 20}
OLDER = {
    ("post", "/predict/single"): "/api/v1/predict",
    ("post", "/predict"): "/api/v1/batch-predict",
    ("post", "/api/v1/predict-async"): "/api/v1/jobs",
    ("get", "/api/v1/jobs/none/status"): "/api/v1/jobs/none",
    ("get", "/tasks/none"): "/api/v1/jobs/none",
    ("post", "/api/v1/models/load"): "/api/v1/models",
    ("get", "/api/v1/models/a%20b/info"): "/api/v1/models/a%20b",
    ("put", "/api/v1/models/small"): "/api/v1/models/small/live",
    ("get", "/metrics"): "/api/v1/metrics",
}


@pytest.fixture
def plain(models_dir):
    """A client without the older addresses."""
    app = create_app({"MODELS_DIR": str(models_dir), "COMPAT_ROUTES": False})
    yield app.test_client()
    close(app)


def test_single(client):
    """One customer gets three members, with the probability that the present address gives."""
    answer = client.post("/predict/single", json=ANNA)
    newer = client.post("/api/v1/predict", json=ANNA).json
    assert answer.json == {name: newer[name] for name in ("customer_id", "churn_prediction", "churn_probability")}


def test_many(client):
    """Many customers get lists of predictions and probabilities, in the order sent."""
    newer = client.post("/api/v1/batch-predict", json={"customers": [ANNA, BERT]}).json
    assert client.post("/predict", json={"customers": [ANNA, BERT]}).json == {
        "success": True,
        "predictions": [one["churn_prediction"] for one in newer["predictions"]],
        "probabilities": [one["churn_probability"] for one in newer["predictions"]],
        "threshold": newer["threshold"],
        "model_version": "1",
    }


def test_threshold(client):
    """A threshold in the query moves the older predictions, too."""
    for threshold, expected in (("0", 1), ("1", 0)):
        query = {"threshold": threshold}
        assert client.post("/predict/single", query_string=query, json=ANNA).json["churn_prediction"] == expected
        body = {"customers": [ANNA, BERT]}
        assert client.post("/predict", query_string=query, json=body).json["predictions"] == [expected] * 2


@pytest.mark.parametrize(("path", "pointers"), [("/predict/single", ["#/age"]), ("/predict", ["#/customers/1/age"])])
def test_faults(client, path, pointers):
    """A fault has its place in the older body."""
    bad = ANNA | {"age": "fifty"}
    answer = client.post(path, json=bad if path.endswith("single") else {"customers": [BERT, bad]})
    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, pointers)
    assert "fifty" not in answer.text


@pytest.mark.parametrize("path", ["/predict?top_k=3", "/api/v1/predict"])
def test_a_file_of_a_wrong_type(client, path):
    """A picture is refused with the types that may be sent."""
    form = {"file": (io.BytesIO(b"\x89PNG\r\n\x1a\n"), "cat.png", "image/png")}
    answer = client.post(path, data=form, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["accepted"]) == (415, ["application/json"])


def test_more_rows_than_the_limit(models_dir):
    """The limit of a batch applies to the older one."""
    client = create_app({"MODELS_DIR": str(models_dir), "MAX_BATCH_ROWS": 2}).test_client()
    answer = client.post("/predict", json={"customers": [ANNA] * 3})
    assert (answer.status_code, answer.json["limit"]) == (413, 2)


def test_info(client):
    """The older address of a model has what the present one has."""
    answer = client.get("/api/v1/models/small/info")
    assert answer.json == client.get("/api/v1/models/small").json
    assert answer.headers["Link"] == '</api/v1/models/small>; rel="successor-version"'
    assert client.get("/api/v1/models/smal/info").json["code"] == "unknown-model"


def test_update(client):
    """PUT of a model makes a version live."""
    answer = client.put("/api/v1/models/small", json={"version": "1"})
    assert (answer.status_code, answer.json["live"]) == (200, "1")
    assert client.post("/api/v1/predict/small", json=CUSTOMER).json["model_version"] == "1"


def test_load(client):
    """Loading a bundle makes it live, also where it is live already."""
    for _ in range(2):
        answer = client.post("/api/v1/models/load", json={"model_name": "small", "model_path": "small/1"})
        assert (answer.status_code, answer.json["status"], answer.json["live"]) == (200, "loaded", "1")


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"model_name": "small", "model_path": "trained/small.pkl"}, "#/model_path", "churn-api package"),
        ({"model_name": "small", "model_path": "../small.JOBLIB"}, "#/model_path", "churn-api package"),
        ({"model_name": "small", "model_path": "../../etc"}, "#/model_path", "<name>/<version>"),
        ({"model_name": "odd", "model_path": "small/1"}, "#/model_name", "the bundle's name"),
        ({"model_name": "small"}, "#/model_path", "required"),
    ],
)
def test_load_what_is_no_bundle(client, body, pointer, words):
    """A pickle is refused in words that say how to package it, and so is everything else that is no bundle."""
    answer = client.post("/api/v1/models/load", json=body | {"model_type": "sklearn"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert words in answer.json["errors"][0]["message"]


def test_load_an_unknown_version(client):
    """A version that the models folder does not hold is a 404, and nothing changes."""
    answer = client.post("/api/v1/models/load", json={"model_name": "small", "model_path": "small/9"})
    assert (answer.status_code, answer.json["code"]) == (404, "unknown-version")
    assert client.get("/api/v1/models/small").json["live"] == "2"


def test_metrics(client):
    """The older address has the metrics, the older routes among them."""
    client.post("/predict/single", json=ANNA).close()
    text = client.get("/metrics").text
    assert 'http_requests_total{method="POST",protocol="api",route="/predict/single",status="200"} 1.0' in text


@pytest.mark.parametrize(("request_line", "successor"), OLDER.items(), ids=map(" ".join, OLDER))
def test_deprecation(client, request_line, successor):
    """Every response of an older address, errors as well, says that it is deprecated and what replaces it."""
    method, path = request_line
    answer = client.open(path, method=method.upper())
    assert answer.headers["Deprecation"].startswith("@")
    if "Link" in answer.headers:
        assert answer.headers["Link"] == f'<{successor}>; rel="successor-version"'
    else:  # what a client wrote into a path is not repeated
        assert answer.status_code >= 400
        assert any(name in path for name in ("none", "small", "a%20b"))
    assert "Deprecation" not in client.get("/health").headers


def test_a_wrong_method(client):
    """A wrong method is reported in the same form, with the right ones."""
    for method in ("GET", "PATCH", "MADE-UP"):
        answer = client.open("/predict", method=method)
        assert (answer.status_code, answer.headers["Allow"], answer.json["error"]) == (
            405,
            "OPTIONS, POST",
            answer.json["title"],
        )
        assert "Deprecation" in answer.headers


def test_deprecation_below_a_prefix(client):
    """The link has the prefix at which the application is mounted."""
    answer = client.post("/predict/single", json=ANNA, environ_overrides={"SCRIPT_NAME": "/churn"})
    assert answer.headers["Link"] == '</churn/api/v1/predict>; rel="successor-version"'


@pytest.mark.parametrize(("method", "path"), OLDER)
def test_keys(models_dir, monkeypatch, method, path):
    """An older address asks for a key, as its successor does."""
    monkeypatch.setenv("CHURN_AUTH", "required")
    client = create_app({"MODELS_DIR": str(models_dir)}).test_client()
    assert client.open(path, method=method.upper()).status_code == 401


def test_limits(models_dir, monkeypatch):
    """Older predictions count against the limits of the present ones."""
    monkeypatch.setenv("CHURN_RATELIMIT_ENABLED", "1")
    limits = {"RATELIMIT_PREDICT": "1/hour", "RATELIMIT_BATCH": "1/hour"}
    client = create_app({"MODELS_DIR": str(models_dir)} | limits).test_client()
    assert client.post("/api/v1/predict", json=ANNA).status_code == 200
    assert client.post("/predict/single", json=ANNA).status_code == 429
    assert client.post("/predict", json={"customers": [ANNA]}).status_code == 200
    assert client.post("/api/v1/batch-predict", json={"customers": [ANNA]}).status_code == 429


@pytest.mark.parametrize(("method", "path"), OLDER)
def test_switched_off(plain, method, path):
    """COMPAT_ROUTES off leaves no older address."""
    assert plain.open(path, method=method.upper()).status_code in (404, 405)


def test_documented_as_deprecated(client, plain):
    """The OpenAPI document marks the older addresses, and only them, as deprecated; without them it has none."""
    documents = [one.get("/openapi.json").json["paths"] for one in (client, plain)]
    deprecated = [
        {(method, path) for path, methods in document.items() for method in methods if "deprecated" in methods[method]}
        for document in documents
    ]
    assert deprecated[0] == {
        (method, path.replace("none", "{job}").replace("a%20b", "{model}").replace("small", "{model}"))
        for method, path in OLDER
    }
    assert deprecated[1] == set()
