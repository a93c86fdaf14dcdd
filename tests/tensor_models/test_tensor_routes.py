"""Tensor models by version 1 of the API: rows of numbers get labels, and everything about customers says what it is."""

import json
from itertools import product

import pytest
from conftest import make_all_live
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from tensor_graphs import IRISES, iris_classifier, iris_graph, package

from churn_api.app import create_app
from churn_api.store.database import Database
from churn_api.web.core.in_process_api import close

IRIS = "/api/v1/predict/iris"
ROW = [5.1, 3.5, 1.4, 0.2]


def test_row(tensor_client):
    """A row of numbers gets the label that scikit-learn predicts, with the probability of each."""
    answer = tensor_client.post(IRIS, json={"features": ROW})
    assert answer.status_code == 200
    assert (answer.json["prediction"], answer.json["prediction_label"]) == (0, "setosa")
    assert answer.json["probabilities"] == pytest.approx(iris_classifier().predict_proba([ROW])[0].tolist(), abs=1e-6)
    assert (answer.json["model_name"], answer.json["model_version"]) == ("iris", "1")
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert answer.json["prediction_time"] >= 0


def test_without_probabilities(tensor_client):
    """`return_probabilities` leaves them out, and `top_k` ranks labels."""
    answer = tensor_client.post(f"{IRIS}?top_k=2", json={"features": ROW, "return_probabilities": False}).json
    assert "probabilities" not in answer
    assert [one["class_name"] for one in answer["predictions"]] == list(IRISES[:2])


FAULTS = {
    "text": ({"features": "no"}, "#/features"),
    "short": ({"features": [1, 2, 3]}, "#/features"),
    "long": ({"features": [1, 2, 3, 4, 5]}, "#/features"),
    "word": ({"features": [1, 2, "3", 4]}, "#/features/2"),
    "truth": ({"features": [True, 2, 3, 4]}, "#/features/0"),
    "gap": ({"features": [1, 2, None, 4]}, "#/features/2"),
    "nested": ({"features": [1, 2, [3], 4]}, "#/features/2"),
    "beyond float32": ({"features": [1, 2, 3, 1e39]}, "#/features/3"),
    "beyond 64 bits": ({"features": [1, 2, 3, 2.0**300]}, "#/features/3"),
    "member": ({"features": ROW, "feature": 1}, "#/feature"),
    "model's name": ({"features": ROW, "model_name": 5}, "#/model_name"),
    "probabilities": ({"features": ROW, "return_probabilities": "yes"}, "#/return_probabilities"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_faults(tensor_client, what):
    """What is wrong with a row is a 422 that points to it, and quotes nothing."""
    body, pointer = FAULTS[what]
    answer = tensor_client.post(IRIS, json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "validation-failed")
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]


def test_all_faults(tensor_client):
    """All faults of a row are listed at once."""
    answer = tensor_client.post(IRIS, json={"features": ["a", "b", 3, None], "x": 1}).json
    pointers = {fault["pointer"] for fault in answer["errors"]}
    assert pointers == {"#/features/0", "#/features/1", "#/features/3", "#/x"}


MANY = "/api/v1/batch-predict/iris"


def test_rows(tensor_client):
    """Many rows get a label each, with the confidence in it, and all probabilities where they are asked for."""
    rows = [ROW, [6.3, 2.9, 5.6, 1.8]]
    answer = tensor_client.post(MANY, json={"features": rows}).json
    assert [one["prediction_label"] for one in answer["predictions"]] == ["setosa", "virginica"]
    expected = iris_classifier().predict_proba(rows)
    assert [one["confidence"] for one in answer["predictions"]] == pytest.approx(
        expected.max(axis=1).tolist(), abs=1e-6
    )
    assert (answer["count"], answer["model_name"]) == (2, "iris")
    full = tensor_client.post(MANY, json={"features": rows, "return_probabilities": True}).json
    assert len(full["predictions"][1]["probabilities"]) == 3


def test_by_the_name_in_the_body(tensor_client):
    """A body may name the tensor model, at the addresses without a name."""
    one = tensor_client.post("/api/v1/predict", json={"features": ROW, "model_name": "iris"})
    many = tensor_client.post("/api/v1/batch-predict", json={"features": [ROW], "model_name": "iris"})
    assert [one.json["prediction_label"], many.json["predictions"][0]["prediction_label"]] == ["setosa", "setosa"]
    assert "Deprecation" not in one.headers
    other = tensor_client.post(IRIS, json={"features": ROW, "model_name": "colours"})
    assert (other.status_code, other.json["errors"][0]["pointer"]) == (422, "#/model_name")


MANY_FAULTS = {
    "one row": ({"features": ROW}, ["#/features/0", "#/features/1", "#/features/2", "#/features/3"]),
    "no rows": ({"features": []}, ["#/features"]),
    "text": ({"features": "a"}, ["#/features"]),
    "two rows": ({"features": [[1, 2, 3], [1, 2, "a", None]]}, ["#/features/0", "#/features/1/2", "#/features/1/3"]),
}


@pytest.mark.parametrize("what", MANY_FAULTS)
def test_faults_of_rows(tensor_client, what):
    """All faults of all rows are listed, with their places."""
    body, pointers = MANY_FAULTS[what]
    answer = tensor_client.post(MANY, json=body)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json["errors"]]) == (422, pointers)


def test_bounded_rows(tensor_client):
    """More rows than a batch may have, or rows of more values, are a 413 before they are looked at."""
    for rows in ([ROW] * 1001, [[1] * 10_000] * 2):
        answer = tensor_client.post(MANY, json={"features": rows})
        assert (answer.status_code, answer.json["code"]) == (413, "too-large")
    assert tensor_client.post(f"{MANY}?reasons=2", json={"features": [ROW]}).status_code == 422
    table = tensor_client.post(MANY, json={"features": [ROW]}, headers={"Accept": "text/csv"})
    assert table.status_code == 406


def test_record(tensor_client):
    """A customer's record is answered with what the model takes."""
    answer = tensor_client.post(IRIS, json={"tenure": 5})
    assert (answer.status_code, answer.json["code"]) == (422, "other-kind-of-model")
    assert '"features": [4 numbers]' in answer.json["detail"]


def test_a_model_that_takes_no_rows(tensor_client):
    """A model without a matrix or without labels names the tensors that it takes."""
    answer = tensor_client.post("/api/v1/predict/sum", json={"features": [1, 2]})
    assert (answer.status_code, answer.json["code"]) == (422, "other-kind-of-model")
    assert "tensors named left, right, names" in answer.json["detail"]


OF_CUSTOMERS = {
    "many": ("post", "/api/v1/batch-predict/iris", {"json": {"customers": [{"tenure": 5}]}}),
    "table": ("post", "/api/v1/batch-predict/iris", {"data": "tenure\n5\n", "content_type": "text/csv"}),
    "job": ("post", "/api/v1/jobs", {"json": {"model": "iris", "source": "table.csv"}}),
    "report": ("get", "/api/v1/models/iris/report", {}),
    "report of a version": ("get", "/api/v1/models/iris/report?version=1", {}),
    "report as a page": ("get", "/api/v1/models/iris/report", {"headers": {"Accept": "text/html"}}),
    "explanation": ("get", "/api/v1/models/iris/explanation", {}),
    "watch": ("get", "/api/v1/models/iris/watch", {}),
}


@pytest.mark.parametrize("what", OF_CUSTOMERS)
def test_what_only_models_of_customers_do(tensor_client, tmp_path, what):
    """Batches, tables, jobs, reports and explanations of a tensor model are a 422 that says so."""
    method, address, sent = OF_CUSTOMERS[what]
    (tmp_path / "table.csv").write_text("tenure\n5\n")
    tensor_client.application.extensions["churn_api"].jobs.sources.__init__(tmp_path, [], 1000)
    answer = getattr(tensor_client, method)(address, **sent)
    assert (answer.status_code, answer.json["code"]) == (422, "other-kind-of-model"), answer.json
    assert "tensor model" in answer.json["detail"]


@pytest.mark.parametrize("option", ["threshold=0.5", "reasons=3", "what_if=2"])
def test_options_of_customers(tensor_client, option):
    """Options that only a prediction of churn has are faults of the query."""
    answer = tensor_client.post(f"{IRIS}?{option}", json={"features": ROW})
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (422, option.partition("=")[0])


def test_top_k_of_a_customer(tensor_client):
    """A prediction of churn has two labels, so that `top_k` changes nothing."""
    customer = {"age": 35, "tenure": 24, "monthly_charges": 65.5}
    answers = [tensor_client.post(f"/api/v1/predict{query}", json=customer) for query in ("", "?top_k=1")]
    assert answers[0].json["churn_probability"] == answers[1].json["churn_probability"]


def test_shown(tensor_client):
    """The list has tensor models, and one is shown with its inputs, outputs and labels."""
    assert tensor_client.get("/api/v1/models").json["count"] == 6
    shown = tensor_client.get("/api/v1/models/iris").json
    assert (shown["kind"], shown["labels"], shown["live"]) == ("tensor", list(IRISES), "1")
    assert shown["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]
    assert "golden" not in shown


def test_counted(tensor_client):
    """Predictions of tensor models are counted by model and version, and so are faults, by the input's name."""
    tensor_client.post(IRIS, json={"features": ROW})
    tensor_client.post(IRIS, json={"features": [1]}).close()
    text = tensor_client.get("/api/v1/metrics").text
    assert 'model_predictions_total{model="iris",outcome="computed",version="1"} 1.0' in text
    assert 'model_inference_seconds_count{model="iris",version="1"} 1.0' in text
    assert 'validation_failures_total{code="not-valid",field="other",model="iris"} 1.0' in text


def test_healthy(tensor_client):
    """Health reports tensor models as live."""
    assert tensor_client.get("/health").json["checks"]["models"]["live"]["iris"] == "1"


def test_as_the_default(tmp_path, instance, make_key):
    """A tensor model may be the default one: the address without a name answers by it, and the service is ready."""
    package(tmp_path / "models", iris_graph(), "default", IRISES)
    make_all_live(tmp_path / "models", Database(f"sqlite:///{instance / 'churn.db'}"))
    app = create_app({"MODELS_DIR": str(tmp_path / "models"), "TESTING": True})
    client = app.test_client()
    answer = client.post("/api/v1/predict", json={"features": ROW, "model_name": "default"})
    assert (answer.status_code, answer.json["prediction_label"]) == (200, "setosa")
    assert client.get("/health/ready").status_code == 200
    assert client.get("/openapi.json").status_code == 200
    document = client.get("/openapi.json").json["paths"]["/api/v1/predict"]["post"]
    assert document["requestBody"]["content"]["application/json"]["schema"]["anyOf"][1]["required"] == ["features"]
    assert client.get("/ping").status_code == 200
    mlflow = client.post("/invocations", json={"dataframe_split": {"columns": ["a"], "data": [[1]]}})
    assert (mlflow.status_code, mlflow.json["code"]) == (400, "other-kind-of-model")
    close(app)


@given(body=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes(tensor_models_dir, fuzzed, body):
    """Whatever bytes are sent, the answer is a problem of the client's."""
    answer = fuzzed.post(IRIS, data=body, content_type="application/json")
    assert answer.status_code in (400, 422)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_any_features(tensor_models_dir, fuzzed, features):
    """Whatever the features are, they are answered or refused, and never an error of the server's."""
    body = json.dumps({"features": features})
    answer = fuzzed.post(IRIS, data=body, content_type="application/json")
    assert answer.status_code in (200, 400, 422)


@pytest.fixture(scope="module")
def fuzzed(tensor_models_dir, tmp_path_factory):
    """A client that all examples of a property share."""
    folder = tmp_path_factory.mktemp("fuzzed")
    app = create_app(
        {
            "MODELS_DIR": str(tensor_models_dir),
            "INSTANCE_DIR": str(folder),
            "DATABASE_URL": "sqlite://",
            "AUTH": "open",
            "RATELIMIT_ENABLED": False,
            "TESTING": True,
        }
    )
    services = app.extensions["churn_api"]
    make_all_live(tensor_models_dir, services.database)
    services.refresh_models()
    yield app.test_client()
    close(app)


def test_documented(tensor_client):
    """The OpenAPI document is valid, and has the rows, the images and the answers of the live tensor models."""
    document = tensor_client.get("/openapi.json").json
    OpenAPIV31SpecValidator(document).validate()
    one = document["paths"]["/api/v1/predict/{model}"]["post"]
    contents = one["requestBody"]["content"]
    assert contents["multipart/form-data"]["encoding"] == {"file": {"contentType": "image/png, image/jpeg"}}
    rows = [schema for schema in contents["application/json"]["schema"]["anyOf"] if "$ref" not in schema]
    assert [row["properties"]["features"]["minItems"] for row in rows] == [4]
    answers = one["responses"]["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert {"$ref": "#/components/schemas/TensorPrediction"} in answers
    many = document["paths"]["/api/v1/batch-predict/{model}"]["post"]["requestBody"]["content"]
    assert many["application/json"]["schema"]["anyOf"][1]["properties"]["features"]["items"]["maxItems"] == 4
    default = document["paths"]["/api/v1/predict"]["post"]["requestBody"]["content"]
    assert list(default) == ["application/json"]


BODIES = (
    {"json": {"features": ROW}},
    {"json": {"customers": [{"tenure": 5}]}},
    {"json": {"instances": [ROW]}},
    {"json": {"dataframe_split": {"columns": ["tenure"], "data": [[5]]}}},
    {"json": {"model": "iris", "source": "table.csv"}},
    {"json": {"data_path": "table.csv", "output_path": "scored.csv", "model_name": "iris"}},
    {"data": "tenure\n5\n", "content_type": "text/csv"},
    {"data": b"\xff\x00"},
    {},
)


def test_no_route_fails(tensor_client):
    """No route answers a tensor model's name, with bodies of every protocol, with an error of the server's."""
    failed, refused = [], set()
    for path, operations in tensor_client.get("/openapi.json").json["paths"].items():
        address = path.replace("{model}", "iris").replace("{version}", "1").replace("{job}", "0" * 32)
        for method, body in product(operations.keys() - {"delete"}, BODIES):
            answer = tensor_client.open(address, method=method, **body)
            if answer.status_code >= 500:
                failed.append((method, address, body, answer.text))
            if "other-kind-of-model" in answer.text:
                refused.add(address)
    assert failed == []
    assert {
        "/api/v1/models/iris/watch",
        "/v1/models/iris:predict",
        "/endpoints/iris/invocations",
        "/serving-endpoints/iris/invocations",
    } <= refused
