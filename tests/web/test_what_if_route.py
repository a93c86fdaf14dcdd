"""`?what_if=K` on POST /api/v1/predict."""

import json
import shutil

import pytest
from builders import CUSTOMER

from churn_api.app import create_app
from churn_api.web.v1.shared.prediction_schemas import PredictionSchema

ROUTE = "/api/v1/predict/small?version=3"
RECORD = CUSTOMER | {"Contract": "Month-to-month", "MonthlyCharges": 110.0, "tenure": 2}
ACTIONABLE = {
    "Contract": {"values": ["Month-to-month", "One year", "Two year"]},
    "MonthlyCharges": {"factors": [0.9, 0.5]},
}


@pytest.fixture(scope="module")
def models(models_dir, tmp_path_factory):
    """The models, with a third version of `small` of whose features the company can set contract and charges."""
    models = shutil.copytree(models_dir, tmp_path_factory.mktemp("actionable") / "models")
    path = shutil.copytree(models / "small" / "2", models / "small" / "3") / "card.json"
    card = json.loads(path.read_text()) | {"version": "3"}
    for feature in card["signature"]["features"]:
        if feature["name"] in ACTIONABLE:
            feature["actionable"] = ACTIONABLE[feature["name"]]
    path.write_text(json.dumps(card))
    return models


@pytest.fixture
def client(models):
    return create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()


def test_the_models_own_answers(client):
    """Each variant has the probability that the model gives the changed record, at least 0.02 less, lowest first."""
    answer = client.post(f"{ROUTE}&what_if=20", json=RECORD).json
    assert answer["what_if"]
    for variant in answer["what_if"]:
        changed = RECORD | {change["feature"]: change["value"] for change in variant["changes"]}
        alone = client.post(ROUTE, json=changed).json["churn_probability"]
        assert variant["probability"] == alone <= answer["churn_probability"] - 0.02
        assert variant["points"] == pytest.approx(100 * (alone - answer["churn_probability"]), abs=0.006)
    probabilities = [variant["probability"] for variant in answer["what_if"]]
    assert probabilities == sorted(probabilities)
    assert {len(variant["changes"]) for variant in answer["what_if"]} == {1, 2}


def test_number_of_variants(client):
    """As many as asked for, at most, and none without `what_if`."""
    assert len(client.post(f"{ROUTE}&what_if=1", json=RECORD).json["what_if"]) == 1
    assert "what_if" not in client.post(ROUTE, json=RECORD).json


def test_nothing_to_set(client):
    """A model of which the company can set nothing has no variants."""
    first = {"age": 35, "tenure": 24, "monthly_charges": 65.50}
    assert client.post("/api/v1/predict?what_if=3", json=first).json["what_if"] == []


def test_words(client):
    """The text says the change and what the model answers, in the client's language."""
    for language, words in (("en", "the model answers"), ("de", "antwortet das Modell")):
        headers = {"Accept-Language": language}
        (variant,) = client.post(f"{ROUTE}&what_if=1", json=RECORD, headers=headers).json["what_if"]
        assert words in variant["text"]
        assert f"{variant['changes'][0]['feature']} = " in variant["text"]


def test_members(client):
    """With reasons and what_if together, the response has the members that the OpenAPI document says."""
    answer = client.post(f"{ROUTE}&what_if=2&reasons=2", json=RECORD).json
    assert len(answer["reasons"]) == 2
    assert PredictionSchema().validate(answer) == {}


@pytest.mark.parametrize("count", ["0", "21", "x"])
def test_numbers_that_are_refused(client, count):
    """1 to 20 variants; all else is a 422 that names the parameter."""
    response = client.post(f"{ROUTE}&what_if={count}", json=RECORD)
    assert (response.status_code, response.json["errors"][0]["parameter"]) == (422, "what_if")
