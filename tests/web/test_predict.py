import json
import re

import pytest
from builders import CUSTOMER

from churn_api.registry.live import LiveModels
from churn_api.registry.model import load_model

FIRST = {"customer_id": "CUST001", "age": 35, "tenure": 24, "monthly_charges": 65.50}


def alone(model, record):
    """The model's own probability of one record."""
    return model.score(model.reader.read_one(json.dumps(record).encode()).columns)[0]


def test_first_request(client):
    """The request on the contract's first page works unchanged, and returns what that page says."""
    response = client.post("/api/v1/predict", json=FIRST)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    answer = response.json
    assert list(answer) == [
        "customer_id", "churn_prediction", "churn_probability", "risk_band", "threshold",
        "model_name", "model_version", "inference_time_ms", "timestamp", "request_id",
    ]  # fmt: skip
    assert answer["customer_id"] == "CUST001"
    assert answer["churn_prediction"] == int(answer["churn_probability"] >= answer["threshold"])
    assert answer["risk_band"] in ("low", "medium", "high")
    assert (answer["model_name"], answer["model_version"]) == ("default", "1")
    assert answer["request_id"] == response.headers["X-Request-ID"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["timestamp"])


def test_probability_is_the_models_own(client, models_dir):
    """The probability is the model's float64, not rounded."""
    model = load_model(models_dir / "default" / "1")
    expected = alone(model, FIRST)
    assert client.post("/api/v1/predict", json=FIRST).json["churn_probability"] == expected


@pytest.mark.parametrize("identifier", ["CUST001", 17, 2**63 - 1, "José", 7.0, None])
def test_identifier_comes_back_as_it_was_sent(client, identifier):
    """The identifier is returned with its value and type, also null."""
    text = client.post("/api/v1/predict", json=FIRST | {"customer_id": identifier}).text
    assert json.loads(text)["customer_id"] == identifier
    assert f'"customer_id":{json.dumps(identifier, ensure_ascii=False)},' in text


def test_no_identifier(client):
    """Without an identifier, the response has null."""
    record = {name: value for name, value in FIRST.items() if name != "customer_id"}
    assert client.post("/api/v1/predict", json=record).json["customer_id"] is None


def test_identifier_under_the_signatures_name(client):
    """The identifier may have the name of the training table's column; it is returned as customer_id."""
    record = {name: value for name, value in CUSTOMER.items() if name != "customer_id"} | {"customerID": "x"}
    assert client.post("/api/v1/predict/small", json=record).json["customer_id"] == "x"


def test_missing_is_null_is_left_out(client):
    """A null optional feature and a missing one give the same probability."""
    one = client.post("/api/v1/predict", json=FIRST | {"contract": None, "total_charges": None}).json
    two = client.post("/api/v1/predict", json=FIRST).json
    assert one["churn_probability"] == two["churn_probability"]


def test_threshold_of_the_request(client):
    """A threshold in the query is applied, and returned."""
    for threshold, prediction in (("0", 1), ("1", 0), ("0.0", 1)):
        answer = client.post(f"/api/v1/predict?threshold={threshold}", json=FIRST).json
        assert (answer["threshold"], answer["churn_prediction"]) == (float(threshold), prediction)


def test_named_model_and_version(client):
    """A model is addressed by its name, a version by `version`; by default the newest is used."""
    live = client.post("/api/v1/predict/small", json=CUSTOMER).json
    first = client.post("/api/v1/predict/small?version=1", json=CUSTOMER).json
    assert (live["model_name"], live["model_version"], first["model_version"]) == ("small", "2", "1")
    assert live["churn_probability"] != first["churn_probability"]


def test_unseen_category_of_an_open_feature(client):
    """An unseen category of an open feature is scored, and named in the warnings without its value."""
    response = client.post("/api/v1/predict/small", json=CUSTOMER | {"Region": "Atlantis"})
    assert response.json["warnings"] == [
        {"pointer": "#/Region", "code": "unseen-category", "message": "Training did not see this category."}
    ]
    assert "Atlantis" not in response.text
    assert "warnings" not in client.post("/api/v1/predict/small", json=CUSTOMER | {"Region": "North"}).json


def test_unseen_category_of_a_closed_feature(client):
    """The same category is refused by a version that did not open the feature, with the known ones."""
    response = client.post("/api/v1/predict/small?version=1", json=CUSTOMER | {"Region": "Nort"})
    assert response.status_code == 422
    assert response.json["errors"] == [
        {
            "pointer": "#/Region",
            "code": "not-a-choice",
            "message": "Must be one of: East, North, South.",
            "hint": "Did you mean 'North'?",
        }
    ]


def test_odd_names(client, models_dir):
    """Fields whose names are no identifiers are sent, checked and scored like any other."""
    model = load_model(models_dir / "odd" / "1")
    record = {"Day Mins": 120.5, "VMail Plan": True, "churn ": "c'd", 'say "hi"/é': 1, "load": 2, "f0": 3, "a.b": 4}
    response = client.post("/api/v1/predict/odd", json=record)
    assert response.status_code == 200
    assert response.json["churn_probability"] == alone(model, record)
    pointers = [error["pointer"] for error in client.post("/api/v1/predict/odd", json={}).json["errors"]]
    assert pointers[0] == "#/Day%20Mins"
    assert len(pointers) == len(record)


def test_trailing_slash(client):
    """A path works with and without a slash at its end; neither redirects."""
    assert client.post("/api/v1/predict/", json=FIRST).status_code == 200
    assert client.get("/health/ready/").status_code == 200


@pytest.mark.parametrize("mimetype", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_media_type_of_json(client, mimetype):
    """JSON's media type is accepted with parameters and in any case."""
    assert client.post("/api/v1/predict", data=json.dumps(FIRST), content_type=mimetype).status_code == 200


@pytest.mark.parametrize(("route", "body"), [("predict", CUSTOMER), ("batch-predict", {"customers": [CUSTOMER] * 20})])
def test_one_look_up(client, monkeypatch, route, body):
    """A request looks its model up once, whatever it holds: a swap in mid-request cannot mix two."""
    asked = []
    get = LiveModels.get
    monkeypatch.setattr(LiveModels, "get", lambda *arguments: asked.append(arguments) or get(*arguments))
    assert client.post(f"/api/v1/{route}/small", json=body).status_code == 200
    assert len(asked) == 1
