"""`?reasons=K` on POST /api/v1/predict."""

import json
import shutil
from decimal import Decimal

import pytest
from builders import CUSTOMER
from marshmallow import Schema

from churn_api.app import create_app
from churn_api.registry.model import load_model
from churn_api.web.v1.shared.prediction_schemas import PredictionSchema

FIRST = {"customer_id": "CUST001", "age": 35, "tenure": 24, "monthly_charges": 65.50}


def exact(response):
    """The JSON object, with numbers as the decimals that it shows."""
    return json.loads(response.text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(("model", "record"), [("default", FIRST), ("small", CUSTOMER)])
@pytest.mark.parametrize("count", [1, 3, 20])
def test_exact_sum(client, model, record, count):
    """Base, contributions and others add up to the log-odds to the last digit, with missing values too."""
    answer = exact(client.post(f"/api/v1/predict/{model}?reasons={count}", json=record))
    parts = [reason["contribution"] for reason in answer["reasons"]]
    assert answer["base"] + sum(parts) + answer["others"] == answer["log_odds"]
    probability = 1 / (1 + (-answer["log_odds"]).exp())
    assert abs(probability - answer["churn_probability"]) < Decimal("1e-7")
    assert [abs(part) for part in parts] == sorted(map(abs, parts), reverse=True)
    assert answer["reasons_method"] == "exact"


def test_each_reason(client, models_dir):
    """A reason has the record's value, the model's contribution, points, and a text."""
    answer = client.post("/api/v1/predict/small?reasons=20", json=CUSTOMER).json
    model = load_model(models_dir / "small" / "2")
    columns = model.reader.read_one(json.dumps(CUSTOMER).encode()).columns
    explained = model.explainer().explain(columns)
    features = [feature.name for feature in model.card.signature.features]
    assert sorted(reason["feature"] for reason in answer["reasons"]) == sorted(features)
    for reason in answer["reasons"]:
        contribution = explained.contributions[0, features.index(reason["feature"])]
        assert reason["contribution"] == pytest.approx(contribution, abs=1e-8)
        assert reason["points"] * contribution >= 0
    by_feature = {reason["feature"]: reason for reason in answer["reasons"]}
    assert by_feature["Contract"]["value"] == "One year"
    assert by_feature["tenure"]["value"] == 5
    assert by_feature["Region"]["value"] is None
    assert "Contract" in by_feature["Contract"]["text"]
    assert answer["others"] == 0


def test_same_prediction(client):
    """Reasons change nothing else in the response, and a request without them has none."""
    plain = client.post("/api/v1/predict/small", json=CUSTOMER).json
    explained = client.post("/api/v1/predict/small?reasons=3", json=CUSTOMER).json
    added = {"reasons", "others", "base", "log_odds", "reasons_method"}
    assert explained.keys() - plain.keys() == added
    changing = {"inference_time_ms", "timestamp", "request_id"}
    assert {name: explained[name] for name in plain if name not in changing} == {
        name: value for name, value in plain.items() if name not in changing
    }


def test_through_flask_too(client):
    """A request that Flask handles gets the same reasons."""
    direct = client.post("/api/v1/predict/small?reasons=2", json=CUSTOMER).json
    headers = {"Origin": "http://elsewhere.example"}
    by_flask = client.post("/api/v1/predict/small?reasons=2", json=CUSTOMER, headers=headers).json
    assert direct["reasons"] == by_flask["reasons"]


@pytest.mark.parametrize(
    ("header", "word"),
    [(None, "risk"), ("de-AT, en;q=0.5", "Risiko"), ("fr", "risk"), ("nonsense;;q=x", "risk"), ("de" * 5000, "risk")],
)
def test_language(client, header, word):
    """Texts are in the language that the client prefers of those in the catalogue."""
    headers = {} if header is None else {"Accept-Language": header}
    answer = client.post("/api/v1/predict/small?reasons=1", json=CUSTOMER, headers=headers).json
    assert word in answer["reasons"][0]["text"]


@pytest.mark.parametrize("count", ["0", "21", "x", "1.5", "-1", ""])
def test_bounds(client, count):
    """1 to 20 reasons; all else is a 422 that names the parameter."""
    response = client.post(f"/api/v1/predict?reasons={count}", json=FIRST)
    assert response.status_code == 422
    assert [error["parameter"] for error in response.json["errors"]] == ["reasons"]


def test_model_without_reasons(models_dir, tmp_path):
    """A model without reasons predicts; asked for reasons, it is a 422 that says why there are none, and no path."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    (models / "default" / "1" / "reasons.onnx").write_bytes(b"changed")
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    assert client.post("/api/v1/predict", json=FIRST).status_code == 200
    response = client.post("/api/v1/predict?reasons=3", json=FIRST)
    (error,) = response.json["errors"]
    assert (response.status_code, error["parameter"], error["code"]) == (422, "reasons", "no-reasons")
    assert "reasons.onnx is not the file that was packaged" in error["hint"]
    assert str(tmp_path) not in response.text


def test_as_documented(client):
    """The response has the members that the OpenAPI document says."""
    answer = client.post("/api/v1/predict?reasons=3", json=FIRST).json
    schema: Schema = PredictionSchema()
    assert schema.validate(answer) == {}
    parameters = client.get("/openapi.json").json["paths"]["/api/v1/predict"]["post"]["parameters"]
    (reasons,) = [parameter for parameter in parameters if parameter.get("name") == "reasons"]
    assert (reasons["schema"]["minimum"], reasons["schema"]["maximum"]) == (1, 20)
