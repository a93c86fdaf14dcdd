"""/api/v1/models/<model>/costs: what a call costs and a kept customer is worth, and what decides then."""

import csv
import io
import json
import shutil
import time

import pandas as pd
import pyarrow.parquet as pq
import pytest
import requests
from builders import CUSTOMER, customers
from click.testing import CliRunner
from conftest import make_all_live
from inference_bodies import inputs_of

import churn_api
from churn_api.app import create_app
from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.tables.formats import FORMATS
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close

COSTS_ROUTE = "/api/v1/models/small/costs"
PREDICT = "/api/v1/predict/small"
BATCH = "/api/v1/batch-predict/small"
ONE_VALUE = {"offer": 10, "contact": 1, "value": 200, "success": 0.3}
BY_CHARGE = {"offer": 10, "contact": 1, "value": "MonthlyCharges", "success": 0.3, "months": 12, "margin": 0.5}
TABLE = customers(60, seed=6).drop(columns="Churn")
TABLE.loc[3, "Region"] = None
TABLE.loc[4, "MonthlyCharges"] = None


def set_costs(client, costs):
    answer = client.put(COSTS_ROUTE, json=costs)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def records():
    """The rows as JSON records, without missing values."""
    rows = TABLE.assign(Partner=TABLE["Partner"] == "Yes").to_dict("records")
    return [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]


def expected_decision(costs, card_threshold, record, probability):
    """The decision by hand: whether a call gains something."""
    worth = costs["value"]
    if isinstance(worth, str):
        if worth not in record:
            return int(probability >= card_threshold)
        worth = record[worth] * costs["months"] * costs["margin"]
    kept = costs["success"] * (worth - costs["offer"]) - costs["contact"]
    return int(probability * kept > (1 - probability) * (costs["offer"] + costs["contact"]))


def test_the_threshold_follows(client):
    """With costs, predictions say churn from the probability on where a call gains, and name the costs' version."""
    before = client.post(PREDICT, json=CUSTOMER).get_json()
    assert "policy" not in before
    assert client.get(COSTS_ROUTE).get_json()["costs"] is None
    shown = set_costs(client, ONE_VALUE)
    assert shown["threshold"] == pytest.approx(11 / 67)
    assert (shown["policy"], shown["decides"], shown["costs"]["acceptance"]) == (1, True, 1)
    after = client.post(PREDICT, json=CUSTOMER).get_json()
    assert (after["threshold"], after["policy"]) == (shown["threshold"], 1)
    assert after["churn_probability"] == before["churn_probability"]
    assert after["risk_band"] == before["risk_band"]
    own = client.post(f"{PREDICT}?threshold=0.9", json=CUSTOMER).get_json()
    assert own["threshold"] == 0.9
    assert "policy" not in own


def test_other_protocols_name_the_costs(client):
    """`Churn-Policy` names the costs that set the threshold by every protocol, for objects, tensors and tables."""
    one = records()[0]
    bodies = {
        "/serving-endpoints/small/invocations": {"json": {"dataframe_records": [one]}},
        "/endpoints/small/invocations": {"data": TABLE[:1].to_csv(index=False), "content_type": "text/csv"},
        "/v1/models/small:predict": {"json": {"instances": [one]}},
        "/v1/projects/p/locations/l/endpoints/small:predict": {"json": {"instances": [one]}},
        "/v2/models/small/infer": {"json": {"inputs": inputs_of([one], client.get("/v2/models/small").json["inputs"])}},
    }
    answers = [client.post(route, **body) for route, body in bodies.items()]
    assert [(answer.status_code, answer.headers.get("Churn-Policy")) for answer in answers] == [(200, None)] * 5
    set_costs(client, ONE_VALUE)
    assert [client.post(route, **body).headers["Churn-Policy"] for route, body in bodies.items()] == ["1"] * 5


def test_back(client):
    """After DELETE the card's threshold decides again; the versions stay, and a second DELETE is a conflict."""
    before = client.post(PREDICT, json=CUSTOMER).get_json()
    set_costs(client, ONE_VALUE)
    removed = client.delete(COSTS_ROUTE).get_json()
    assert (removed["policy"], removed["costs"], removed["decides"]) == (None, None, False)
    assert removed["threshold"] == before["threshold"]
    assert [one["policy"] for one in removed["history"]] == [2, 1]
    after = client.post(PREDICT, json=CUSTOMER).get_json()
    assert after["threshold"] == before["threshold"]
    assert "policy" not in after
    assert client.delete(COSTS_ROUTE).get_json()["code"] == "conflict"
    assert set_costs(client, BY_CHARGE)["policy"] == 3


@pytest.mark.parametrize("costs", [ONE_VALUE, BY_CHARGE], ids=["one value", "by customer"])
def test_same_decision(app, client, models_dir, tmp_path, monkeypatch, costs):
    """A record gets the decision of its gain by every route and format: alone, in batches, in tables, by command."""
    card = churn_api.load(models_dir / "small" / "2").card
    set_costs(client, costs)
    alone = [client.post(PREDICT, json=record).get_json() for record in records()]
    by_hand = [
        expected_decision(costs, card.policy.threshold, record, one["churn_probability"])
        for record, one in zip(records(), alone, strict=True)
    ]
    assert [one["churn_prediction"] for one in alone] == by_hand
    assert 0 < sum(by_hand) < len(by_hand)

    def batch(data, kind):
        return client.post(BATCH, data=data, content_type=kind, buffered=True)

    answer = batch(json.dumps({"customers": records()}), "application/json").get_json()
    assert [row["churn_prediction"] for row in answer["predictions"]] == by_hand
    assert answer["policy"] == 1
    assert (answer["threshold"] is None) == (costs is BY_CHARGE)
    table = batch(TABLE.to_csv(index=False).encode(), FORMATS["csv"].media_type)
    assert [int(row["churn_prediction"]) for row in csv.DictReader(io.StringIO(table.text))] == by_hand
    assert table.headers["Churn-Policy"] == "1"
    assert ("Churn-Threshold" in table.headers) == (costs is ONE_VALUE)
    inputs = inputs_of(records(), client.get("/v2/models/small").get_json()["inputs"])
    tensors = client.post("/v2/models/small/infer", json={"inputs": inputs}).get_json()
    assert {one["name"]: one["data"] for one in tensors["outputs"]}["churn_prediction"] == by_hand
    predictor = churn_api.predictor(app, "small")
    assert [one.prediction for one in predictor.predict_many(records())] == by_hand
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    source, result = tmp_path / "in.csv", tmp_path / "out.parquet"
    TABLE.to_csv(source, index=False)
    done = CliRunner().invoke(main, ["score", str(source), "-o", str(result), "--model", "small"])
    assert done.exit_code == 0, done.output
    assert pq.read_table(result).column("churn_prediction").to_pylist() == by_hand


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"offer": -1}, "#/offer"),
        ({"contact": "1"}, "#/contact"),
        ({"success": 0}, "#/success"),
        ({"success": True}, "#/success"),
        ({"acceptance": 1.01}, "#/acceptance"),
        ({"value": 0}, "#/value"),
        ({"value": 12}, "#/value"),
        ({"value": None}, "#/value"),
        ({"value": []}, "#/value"),
        ({"value": "Contract"}, "#/value"),
        ({"value": "Partner"}, "#/value"),
        ({"value": "monthlycharges"}, "#/value"),
        ({"value": ""}, "#/value"),
        ({"value": "x" * 5000}, "#/value"),
        ({"months": 0}, "#/months"),
        ({"margin": 7}, "#/margin"),
        ({"offer": 10**400}, "#/offer"),
        ({"discount": 1}, "#/discount"),
    ],
)
def test_hostile_costs(client, changed, pointer):
    """Costs that are no amounts, shares or numeric features are refused where they are, and nothing changes."""
    answer = client.put(COSTS_ROUTE, data=json.dumps(ONE_VALUE | changed), content_type="application/json")
    assert answer.status_code in (400, 422)
    if answer.status_code == 422:
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert client.get(COSTS_ROUTE).get_json()["policy"] is None


def test_all_faults_at_once(client):
    """Every fault of the body is listed, and NaN is no JSON."""
    answer = client.put(COSTS_ROUTE, json={"offer": -1, "success": 2, "value": {}})
    pointers = {error["pointer"] for error in answer.get_json()["errors"]}
    assert pointers == {"#/offer", "#/contact", "#/success", "#/value"}
    nan = client.put(COSTS_ROUTE, data=b'{"offer": NaN}', content_type="application/json")
    assert nan.get_json()["code"] == "malformed-json"
    hint = client.put(COSTS_ROUTE, json=ONE_VALUE | {"value": "MonthlyCharge"}).get_json()["errors"][0]["hint"]
    assert "MonthlyCharges" in hint


def test_who_may(client, make_key):
    """Reading takes models:read, setting and removing models:write; there are no costs of a model that is not there."""
    reader = {"X-API-Key": make_key("models:read", name="reader")}
    assert client.get(COSTS_ROUTE, headers=reader).status_code == 200
    assert client.put(COSTS_ROUTE, json=ONE_VALUE, headers=reader).get_json()["code"] == "missing-scope"
    assert client.delete(COSTS_ROUTE, headers=reader).get_json()["code"] == "missing-scope"
    assert client.put("/api/v1/models/none/costs", json=ONE_VALUE).get_json()["code"] == "unknown-model"


def test_version_without_the_feature(app, client, caplog):
    """A pinned version decides by the same costs; one whose signature lacks their feature, by its card's threshold."""
    set_costs(client, BY_CHARGE)
    assert client.post(f"{PREDICT}?version=1", json=CUSTOMER).get_json()["policy"] == 1
    services_of(app).catalog.set_costs("default", services_of(app).catalog.costs("small").costs, by="tests")
    services_of(app).watcher.poll()
    card = client.get("/api/v1/models/default/costs").get_json()
    assert (card["policy"], card["decides"]) == (1, False)
    assert "lacks the feature of its costs" in caplog.text


def test_four_workers(serve, models_dir, tmp_path, make_key):
    """Every worker decides by new costs within two seconds, and by the card again after their removal."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    headers = {"X-API-Key": make_key("predict", "models:read", "models:write")}
    with serve(models, workers=4) as server:

        def policies():
            answers = [
                requests.post(server.url + PREDICT, json=CUSTOMER, headers=headers, timeout=30) for _ in range(12)
            ]
            return {answer.json().get("policy") for answer in answers}

        def becomes(policy):
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                if policies() == {policy}:
                    return True
                time.sleep(0.05)
            return False

        assert policies() == {None}
        assert requests.put(server.url + COSTS_ROUTE, json=ONE_VALUE, headers=headers, timeout=30).status_code == 200
        assert becomes(1)
        assert requests.delete(server.url + COSTS_ROUTE, headers=headers, timeout=30).status_code == 200
        assert becomes(None)


def test_two_machines_with_postgresql(postgres_database, models_dir, make_key, monkeypatch):
    """What one machine sets, another with the same PostgreSQL decides by."""
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    churn_api.upgrade()
    database = Services(load_settings()).database
    make_all_live(models_dir, database)
    database.dispose()
    apps = [create_app({"MODELS_DIR": str(models_dir), "TESTING": True}) for _ in range(2)]
    headers = {"X-API-Key": make_key("predict", "models:write", "models:read")}
    one, other = (app.test_client() for app in apps)
    assert one.put(COSTS_ROUTE, json=BY_CHARGE, headers=headers).status_code == 200
    services_of(apps[1]).watcher.poll()
    assert other.post(PREDICT, json=CUSTOMER, headers=headers).get_json()["policy"] == 1
    for app in apps:
        close(app)
