"""Vectors: the older form of bodies, in which a record is a list of values in the signature's order."""

import json

import pytest
from builders import CUSTOMER, feature, signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_api.app import create_app
from churn_api.contract.example import example_record
from churn_api.registry.version_files import VersionFiles
from churn_api.web.core.app_services import services_of

SMALL = ["tenure", "MonthlyCharges", "Partner", "Contract", "Region"]
ROW = [5, 70.5, True, "One year", None]
OTHER = [60, 20.0, "No", "Two year", "North"]
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
JSON = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(), SCALARS, max_size=3)
ONE, MANY = "/api/v1/predict", "/api/v1/batch-predict"


def as_record(row):
    return {name: value for name, value in zip(SMALL, row, strict=True) if value is not None}


def test_one(client):
    """One vector gets label and probabilities, of which the second is that of the same record."""
    answer = client.post(ONE, json={"features": ROW, "model_name": "small"})
    record = client.post(f"{ONE}/small", json=CUSTOMER).json
    members = answer.json
    assert list(members) == [
        "prediction", "prediction_label", "probabilities",
        "model_name", "model_version", "prediction_time", "timestamp", "request_id",
    ]  # fmt: skip
    assert members["prediction"] == record["churn_prediction"]
    assert members["prediction_label"] == ("No", "Yes")[members["prediction"]]
    assert members["probabilities"] == [1 - record["churn_probability"], record["churn_probability"]]
    assert (members["model_name"], members["model_version"]) == ("small", "2")
    assert 0 < members["prediction_time"] < 10


def test_many(client):
    """A batch of vectors has a prediction with its confidence for each, in the order sent."""
    answer = client.post(MANY, json={"features": [ROW, OTHER], "model_name": "small"}).json
    records = {"customers": [as_record(ROW), as_record(OTHER)]}
    newer = client.post(f"{MANY}/small", json=records).json["predictions"]
    assert answer["count"] == 2
    for prediction, record in zip(answer["predictions"], newer, strict=True):
        assert set(prediction) == {"prediction", "prediction_label", "confidence"}
        assert prediction["prediction"] == record["churn_prediction"]
        churn = record["churn_probability"]
        assert prediction["confidence"] == (churn if prediction["prediction"] else 1 - churn)


@pytest.mark.parametrize("asked", [True, False])
def test_probabilities_as_asked(client, asked):
    """`return_probabilities` decides whether probabilities are in the answer."""
    body = {"model_name": "small", "return_probabilities": asked}
    assert ("probabilities" in client.post(ONE, json=body | {"features": ROW}).json) == asked
    predictions = client.post(MANY, json=body | {"features": [ROW]}).json["predictions"]
    assert ("probabilities" in predictions[0]) == asked


def test_default_model_and_the_path(client, app):
    """Without a name the default model answers, and a model may be named in the path, also twice."""
    default = services_of(app).live.files("default").card().signature
    record = example_record(default)
    row = [record.get(one.name) for one in default.features]
    assert client.post(ONE, json={"features": row}).json["model_name"] == "default"
    for body in ({"features": ROW}, {"features": ROW, "model_name": "small"}):
        assert client.post(f"{ONE}/small", json=body).json["model_name"] == "small"
    assert client.post(f"{ONE}/small?version=1", json={"features": [*ROW[:4], "North"]}).json["model_version"] == "1"
    answer = client.post(f"{ONE}/small", json={"features": ROW, "model_name": "odd"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/model_name")
    assert client.post(ONE, json={"features": ROW, "model_name": "smal"}).json["code"] == "unknown-model"


def test_threshold(client):
    """A threshold moves the prediction, and with it the confidence."""
    for threshold, expected in (("0", 1), ("1", 0)):
        body = {"features": ROW, "model_name": "small"}
        answer = client.post(f"{ONE}?threshold={threshold}", json=body).json
        assert answer["prediction"] == expected
        batch = client.post(f"{MANY}?threshold={threshold}", json=body | {"features": [ROW]}).json
        assert batch["predictions"][0]["confidence"] == answer["probabilities"][expected]


@pytest.mark.parametrize(("path", "query"), [(ONE, "reasons=3"), (ONE, "what_if=1"), (MANY, "layout=columns")])
def test_parameters_of_records(client, path, query):
    """A parameter that only records have is refused, not ignored."""
    answer = client.post(f"{path}?{query}", json={"features": [ROW] if path == MANY else ROW, "model_name": "small"})
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (422, query.partition("=")[0])


def test_faults(client):
    """Every fault of a vector has its position, and no value is repeated."""
    row = ["long", 70.5, "perhaps", "Three years", None]
    answer = client.post(ONE, json={"features": row, "model_name": "small"})
    pointers = ["#/features/0", "#/features/2", "#/features/3"]
    assert (answer.status_code, [fault["pointer"] for fault in answer.json["errors"]]) == (422, pointers)
    assert "Three" not in answer.text
    answer = client.post(MANY, json={"features": [ROW, row], "model_name": "small"})
    assert [fault["pointer"] for fault in answer.json["errors"]] == [
        pointer.replace("features", "features/1") for pointer in pointers
    ]


@pytest.mark.parametrize(
    ("path", "features", "pointer"),
    [
        (ONE, ROW[:4], "#/features"),
        (ONE, [*ROW, 1], "#/features"),
        (ONE, [ROW], "#/features"),
        (ONE, [], "#/features"),
        (ONE, "invalid", "#/features"),
        (ONE, None, "#/features"),
        (ONE, {"tenure": 1}, "#/features"),
        (MANY, [ROW, ROW[:4]], "#/features/1"),
        (MANY, [ROW, {"tenure": 1}], "#/features/1"),
        (MANY, [ROW, 1], "#/features/1"),
        (MANY, ROW, "#/features/0"),
        (MANY, [], "#/features"),
        (MANY, "invalid", "#/features"),
    ],
)
def test_shapes(client, path, features, pointer):
    """A body that has not the form of vectors is refused with the place."""
    answer = client.post(path, json={"features": features, "model_name": "small"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)


def test_other_members(client):
    """Unknown members and members of a wrong type are faults, all at once."""
    answer = client.post(ONE, json={"features": ROW, "model_nam": "small", "return_probabilities": "yes"})
    faults = {fault["pointer"]: fault.get("hint") for fault in answer.json["errors"]}
    assert faults == {"#/model_nam": "Did you mean 'model_name'?", "#/return_probabilities": None}


def test_limits(models_dir):
    """The limits of rows and of values apply before anything is validated."""
    client = create_app({"MODELS_DIR": str(models_dir), "MAX_BATCH_ROWS": 2}).test_client()
    answer = client.post(MANY, json={"features": [ROW] * 3, "model_name": "small"})
    assert (answer.status_code, answer.json["limit"]) == (413, 2)
    body = json.dumps({"features": [0] * (1 << 20), "model_name": "small"})
    for path in (ONE, MANY):
        assert client.post(path, data=body, content_type="application/json").status_code == 413


def test_deprecation(client):
    """Answers to vectors, errors as well, are deprecated and have the members of older errors; others not."""
    for body in ({"features": ROW, "model_name": "small"}, {"features": []}):
        assert client.post(ONE, json=body).headers["Link"] == f'<{ONE}>; rel="successor-version"'
    assert client.post(MANY, json={"features": [ROW], "model_name": "small"}).headers["Deprecation"].startswith("@")
    assert client.post(ONE, json={"features": []}).json["error"]
    for body in (CUSTOMER, {}):
        answer = client.post(f"{ONE}/small", json=body)
        assert "Deprecation" not in answer.headers
        assert "error" not in answer.json


def test_a_tensor_model(tensor_client):
    """A tensor model answers the same form by its own rules, and nothing is deprecated."""
    row = [5.1, 3.5, 1.4, 0.2]
    for path, name in ((f"{ONE}/iris", {}), (ONE, {"model_name": "iris"})):
        answer = tensor_client.post(path, json={"features": row} | name)
        assert (answer.status_code, answer.json["prediction_label"]) == (200, "setosa")
        assert "Deprecation" not in answer.headers


def test_switched_off(models_dir):
    """Without the older forms, `features` is an unknown field."""
    client = create_app({"MODELS_DIR": str(models_dir), "COMPAT_ROUTES": False}).test_client()
    answer = client.post(f"{ONE}/small", json={"features": ROW})
    assert "unknown-field" in {fault["code"] for fault in answer.json["errors"]}
    assert client.post(f"{MANY}/small", json={"features": [ROW]}).json["errors"][0]["code"] == "unknown-field"


def test_a_feature_of_that_name(client, monkeypatch):
    """A signature with a feature named `features` wins: its records are records."""
    named = signature(feature("features", "number", required=True))
    monkeypatch.setattr(VersionFiles, "input_contract", lambda *_: named)
    answer = client.post(f"{ONE}/small", json={"features": 3.5})
    assert "unknown-field" in {fault["code"] for fault in answer.json["errors"]}
    assert "Deprecation" not in answer.headers


def test_a_value_of_that_name(client):
    """A record whose value is the word is a record."""
    answer = client.post(f"{ONE}/small", json=CUSTOMER | {"customer_id": "features"})
    assert (answer.status_code, answer.json["customer_id"]) == (200, "features")


def test_other_types_of_answers(client):
    """Vectors are answered as JSON only."""
    body = {"features": [ROW], "model_name": "small"}
    assert client.post(MANY, json=body, headers={"Accept": "text/csv"}).status_code == 406
    assert client.post(MANY, json=body, headers={"Accept": "application/json, text/csv;q=0.5"}).status_code == 200


@pytest.mark.parametrize("path", [ONE, MANY])
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(features=JSON | st.lists(JSON, min_size=5, max_size=5) | st.lists(st.lists(JSON, min_size=5, max_size=5)))
def test_any_vector(client, path, features):
    """Whatever a vector holds, it is scored or refused with a place in it."""
    answer = client.post(path, json={"features": features, "model_name": "small"})
    assert answer.status_code in (200, 422)
    for fault in answer.json.get("errors", ()):
        assert fault["pointer"].startswith("#/features")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tenure=st.integers(0, 72),
    charges=st.none() | st.floats(0, 200),
    partner=st.sampled_from([True, False, "Yes", "No"]),
    contract=st.sampled_from(["Month-to-month", "One year", "Two year"]),
    region=st.none() | st.sampled_from(["North", "South", "East"]),
)
def test_same_double(client, tenure, charges, partner, contract, region):
    """A vector gets the probability of the same record, to the last digit."""
    row = [tenure, charges, partner, contract, region]
    vector = client.post(ONE, json={"features": row, "model_name": "small"}).json
    record = client.post(f"{ONE}/small", json=as_record(row)).json
    assert vector["probabilities"][1] == record["churn_probability"]


def test_many_small_values(client):
    """Hundreds of thousands of rows in a small body are refused by their number, before any is looked at."""
    body = b'{"model_name":"small","features":[' + b",".join([b"[0]"] * 400_000) + b"]}"
    answer = client.post(MANY, data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "too-large")
