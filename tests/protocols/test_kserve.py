"""The first protocol of KServe, by its routes."""

import json

import pytest
from inference_bodies import records

from churn_api.registry.model import Model
from churn_api.registry.model_errors import NoReasons

PREDICT, EXPLAIN = "/v1/models/small:predict", "/v1/models/small:explain"
NAMES = ["tenure", "MonthlyCharges", "Partner", "Contract", "Region"]
GOOD = records()[0]


@pytest.fixture
def expected(client):
    answer = client.post("/api/v1/batch-predict/small", json={"customers": records()}).json
    return [row["churn_probability"] for row in answer["predictions"]]


def predictions(response):
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    return response.json["predictions"]


def probabilities(response):
    return [prediction["churn_probability"] for prediction in predictions(response)]


def error_of(response, status=400):
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json")
    assert isinstance(response.json["error"], str)
    return response.json


def test_card(client):
    """The card at the root says that the server is alive, as KServe's client asks."""
    assert client.get("/").json["status"] == "alive"


def test_models(client, app):
    """The models are listed, and each says whether it is ready, also to probes without a key."""
    assert client.get("/v1/models").json == {"models": ["default", "odd", "small"]}
    for caller in (client, app.test_client()):
        assert caller.get("/v1/models/small").json == {"name": "small", "ready": True}
        error_of(caller.get("/v1/models/nope"), 404)


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_same_double(client, expected, form, colon):
    """Records get the doubles of /api/v1 under either name, with the colon as it is or encoded."""
    response = client.post(f"/v1/models/small{colon}predict", json={form: records()})
    assert probabilities(response) == expected
    assert response.headers["Churn-Model"] == "small"
    assert set(predictions(response)[0]) == {"churn_probability", "churn_prediction", "risk_band"}


def test_values_as_clients_send_them(client, expected):
    """Floats for integers, labels and numbers for booleans, NaN and null for gaps, and no Content-Type are read."""
    for partner in ({True: 1.0, False: 0.0}, {True: "Yes", False: "No"}):
        sent = [dict.fromkeys(NAMES, float("nan")) | record for record in records()]
        changed = [row | {"tenure": float(row["tenure"]), "Partner": partner[row["Partner"]]} for row in sent]
        body = json.dumps({"instances": changed})
        assert "NaN" in body
        assert probabilities(client.post(PREDICT, data=body, content_type="")) == expected


def test_rows_by_position(client, expected):
    """Rows of values have the order of the model's features; other lengths are faults with their place."""
    rows = [[record.get(name) for name in NAMES] for record in records()]
    assert probabilities(client.post(PREDICT, json={"instances": rows})) == expected
    error = error_of(client.post(PREDICT, json={"instances": [*rows, rows[0][1:]]}))
    assert [fault["pointer"] for fault in error["errors"]] == ["#/instances/5"]


def test_identifiers(client):
    """Identifiers come back in order under one name, whatever they are."""
    sent = [record | {"customerID": number} for record, number in zip(records(3), ["a", 7, "ü"], strict=True)]
    result = predictions(client.post(PREDICT, json={"instances": sent}))
    assert [prediction["customer_id"] for prediction in result] == ["a", 7, "ü"]


def test_parameters(client, expected):
    """A threshold moves predictions alone, and reasons come with each prediction where they are wanted."""
    for parameters in (None, {}, {"timeout": 3}):
        sent = {"instances": records(), "parameters": parameters}
        assert probabilities(client.post(PREDICT, json=sent)) == expected
    sent = {"instances": records(), "parameters": {"threshold": 0, "reasons": 2}}
    result = predictions(client.post(PREDICT, json=sent))
    assert {prediction["churn_prediction"] for prediction in result} == {1}
    assert [len(prediction["reasons"]) for prediction in result] == [2] * 5
    for parameters in ([1], {"threshold": 2}, {"threshold": "0.5"}, {"reasons": 0}):
        error_of(client.post(PREDICT, json={"instances": records(), "parameters": parameters}))


def test_explanations(client, expected):
    """`:explain` answers the predictions, and for each the reasons that /api/v1 gives."""
    response = client.post(EXPLAIN, json={"instances": records(), "parameters": {"reasons": 3}})
    assert probabilities(response) == expected
    assert "reasons" not in predictions(response)[0]
    own = client.post("/api/v1/predict/small?reasons=3", json=records()[0]).json
    explanation = response.json["explanations"][0]
    assert {name: own[name] for name in explanation} == explanation
    assert explanation["reasons"]
    (alone,) = client.post(EXPLAIN, json={"instances": records(1)}).json["explanations"]
    assert len(alone["reasons"]) == 5


def test_a_model_without_reasons(client, monkeypatch):
    """`:explain` of a model that gives no reasons is a 404 that says why."""

    def without(_):
        raise NoReasons("it has none")

    monkeypatch.setattr(Model, "explainer", without)
    assert "it has none" in error_of(client.post(EXPLAIN, json={"instances": records()}), 404)["error"]


@pytest.mark.parametrize(
    ("body", "pointers", "words"),
    [
        ({"instances": [GOOD, GOOD | {"tenure": None}]}, ["#/instances/1/tenure"], "record 1, tenure: "),
        ({"instances": [1]}, ["#/instances/0"], "record 0: "),
        ({"instances": []}, ["#/instances"], "Must hold"),
        ({"instances": {}}, ["#/instances"], "'instances' must be"),
        (
            {"inputs": [GOOD | {"tenure": 1.5}, GOOD | {"Contract": "x"}]},
            ["#/inputs/0/tenure", "#/inputs/1/Contract"],
            "record 0, tenure: ",
        ),
        (
            {"instances": [GOOD | {"zz_top": 2}]},
            ["#/instances/0/zz_top"],
            "record 0: Unknown field. (#/instances/0/zz_top)",
        ),
    ],
)
def test_faults_have_their_place(client, body, pointers, words):
    """All faults are listed with their places in the body, and the text names the first."""
    error = error_of(client.post(PREDICT, json=body))
    assert [fault["pointer"] for fault in error["errors"]] == pointers
    assert error["error"].startswith(words)


@pytest.mark.parametrize("body", ["{", "", "[1]", "null", "{}", '{"instances": [], "inputs": []}', "\xff"])
def test_bodies_that_are_none(client, body):
    """A body that is no request is an error in the protocol's form."""
    error_of(client.post(PREDICT, data=body.encode("latin-1"), content_type="application/json"))


def test_too_many(client):
    """More records than a batch may have are too large."""
    assert "1000" in error_of(client.post(PREDICT, json={"instances": [{"tenure": 1}] * 1001}), 413)["error"]


def test_access(app, client):
    """An unknown model, a wrong key and another type are errors in the protocol's form."""
    error_of(client.post("/v1/models/nope:predict", json={"instances": records()}), 404)
    error_of(app.test_client().post(PREDICT, json={}, headers={"X-API-Key": "churn_nonsense"}), 401)
    error_of(client.post(PREDICT, data=b"x", content_type="text/csv"), 415)
