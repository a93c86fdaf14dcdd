"""`GET /api/v1/models/<model>/explanation`, and what it says of a model."""

import json
import shutil

import numpy as np
import pytest
from builders import customers

from churn_api.access.caller import READ_MODELS
from churn_api.app import create_app
from churn_api.contract.columns import ColumnsBuilder
from churn_api.registry.model import load_model
from churn_api.web.v1.shared.explanation_schemas import ExplanationSchema

EXPLANATION = "/api/v1/models/small/explanation"


@pytest.fixture
def client(app, make_key):
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(READ_MODELS)
    return client


@pytest.mark.parametrize("version", ["1", "2"])
def test_figures(client, models_dir, version):
    """Importance is the mean size of contributions over the training rows, and each bin has the mean of its rows."""
    answer = client.get(f"{EXPLANATION}?version={version}").json
    model = load_model(models_dir / "small" / version)
    table = customers()
    columns = ColumnsBuilder(model.card.signature).build_from_rows(
        table[[one.name for one in model.card.signature.features]]
        .replace({np.nan: None})
        .replace({"Partner": {"Yes": True, "No": False}})
        .to_numpy(object)
        .tolist()
    )
    explained = model.explainer().explain(columns)
    assert answer["background_rows"] == len(table)
    assert answer["base"] == pytest.approx(explained.scores.mean())
    by_name = {one["feature"]: one for one in answer["features"]}
    for position, one in enumerate(model.card.signature.features):
        own = explained.contributions[:, position]
        assert by_name[one.name]["importance"] == pytest.approx(np.abs(own).mean(), rel=1e-5)
        bins = by_name[one.name]["bins"]
        assert sum(part["share"] * part["contribution"] for part in bins) == pytest.approx(own.mean(), abs=1e-5)
    contract = {part["category"]: part for part in by_name["Contract"]["bins"]}
    position = [one.name for one in model.card.signature.features].index("Contract")
    for choice, part in contract.items():
        rows = (table.Contract == choice).to_numpy()
        assert part["share"] == pytest.approx(rows.mean(), rel=1e-5)
        assert part["contribution"] == pytest.approx(explained.contributions[rows, position].mean(), rel=1e-5)


def test_most_important_first(client):
    """Features come in the order of their importance."""
    importance = [one["importance"] for one in client.get(EXPLANATION).json["features"]]
    assert importance == sorted(importance, reverse=True)


@pytest.mark.parametrize("model", ["default", "small", "odd"])
def test_as_the_document_says(client, model):
    """The answer has the members that the OpenAPI document says, and no others, at every depth."""
    assert ExplanationSchema().validate(client.get(f"/api/v1/models/{model}/explanation").json) == {}


def test_needs_its_scope(app, make_key):
    """The caller needs the scope models:read."""
    refused = app.test_client().get(EXPLANATION, headers={"X-API-Key": make_key("jobs")})
    assert (refused.status_code, refused.json["scope"]) == (403, READ_MODELS)


def test_version_without_reasons(models_dir, make_key, tmp_path):
    """A version that has no reasons is a 404."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    folder = shutil.copytree(models / "small" / "1", models / "small" / "3")
    card = json.loads((folder / "card.json").read_text()) | {"version": "3"}
    del card["files"]["explanation.json"]
    (folder / "card.json").write_text(json.dumps(card))
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(READ_MODELS)
    answer = client.get(f"{EXPLANATION}?version=3")
    assert (answer.status_code, answer.json["code"]) == (404, "unknown-explanation")
