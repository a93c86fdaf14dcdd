"""Experiments over HTTP: started, shown and stopped; and what predictions say while one runs."""

import csv
import shutil

import pytest
from builders import CUSTOMER, customers

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.monitoring.observed_experiments import observed_experiments
from churn_api.registry.experiment import Experiment
from churn_api.store.audit import latest_entries
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close, predictor

URL = "/api/v1/experiments"


@pytest.fixture
def client(models_dir, tmp_path, make_key):
    """A client whose key may do everything, with version 1 of `small` live."""
    folder = shutil.copytree(models_dir, tmp_path / "models")
    app = create_app({"MODELS_DIR": str(folder), "TESTING": True})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    assert client.put("/api/v1/models/small/live", json={"version": "1"}).status_code == 200
    yield client
    close(app)


@pytest.fixture
def start(client):
    """Start an experiment with version 2 of `small`."""

    def start(mode, **members):
        response = client.post(URL, json={"model": "small", "challenger": "2", "mode": mode, **members})
        assert response.status_code == 201, response.json
        return response.json

    return start


def experiment_of(client, document):
    experiments: Experiment = services_of(client.application).experiments.get(document["id"])
    return experiments


def record_of(client, document, variant):
    """A record whose customer belongs to a variant."""
    experiment = experiment_of(client, document)
    number = next(number for number in range(1000) if experiment.variant_for(f"N{number}") == variant)
    return CUSTOMER | {"customer_id": f"N{number}"}


def test_started_shown_and_stopped(client, start):
    """An experiment is listed and shown while it runs and after it; starting and stopping are in the audit log."""
    document = start("canary", share=0.1)
    assert (document["state"], document["share"], document["live_version"], document["challenger"]) == (
        "running",
        0.1,
        "1",
        "2",
    )
    assert document["verdict"]["state"] == "too-few"
    assert "200 mature outcomes, 100 of each version" in document["verdict"]["text"]
    assert "make_live" not in document
    address = f"{URL}/{document['id']}"
    assert client.get(address).json == document
    listed = client.get(URL, query_string={"model": "small", "state": "running"}).json
    assert [one["id"] for one in listed["experiments"]] == [document["id"]]
    stopped = client.delete(address).json
    assert (stopped["state"], stopped["reason"]) == ("stopped", "stopped on request")
    assert client.get(URL, query_string={"state": "running"}).json["count"] == 0
    assert client.get(URL, query_string={"state": "stopped"}).json["count"] == 1
    assert client.delete(address).json["code"] == "conflict"
    database = services_of(client.application).database
    actions = [entry.action for entry in latest_entries(database, 2)]
    assert actions == ["experiments.stop", "experiments.start"]


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({"mode": "magic", "share": 2, "chalenger": "2"}, 422, {"#/mode", "#/share", "#/challenger", "#/chalenger"}),
        ({"challenger": "2", "mode": "canary", "share": 1}, 422, {"#/share"}),
        ({"challenger": "9", "mode": "shadow"}, 404, None),
        ({"challenger": "1", "mode": "shadow"}, 409, None),
        ({"challenger": "2", "mode": "ab", "model": "nothing"}, 404, None),
    ],
)
def test_what_cannot_start(client, body, status, pointers):
    """All faults of a body are listed at once; unknown models and versions, and the live version, are refused."""
    response = client.post(URL, json={"model": "small", **body})
    assert response.status_code == status, response.json
    if pointers:
        assert {error["pointer"] for error in response.json["errors"]} == pointers


@pytest.mark.parametrize("mode", ["shadow", "canary", "ab"])
def test_versions_that_do_not_read_alike(client, mode):
    """A challenger that would refuse what the live version accepts is refused, in words that say which feature."""
    client.put("/api/v1/models/small/live", json={"version": "2"})
    response = client.post(URL, json={"model": "small", "challenger": "1", "mode": mode})
    assert response.status_code == 422
    (error,) = response.json["errors"]
    assert error["pointer"] == "#/challenger"
    assert "'Region' does not accept every value" in error["message"]


def test_nothing_of_an_unknown_experiment(client):
    """An experiment that does not exist is a 404 of its own kind."""
    assert client.get(f"{URL}/nothing").json["code"] == "unknown-experiment"
    assert client.delete(f"{URL}/nothing").json["code"] == "unknown-experiment"


def test_scopes(client, make_key):
    """Reading needs models:read, starting and stopping models:write."""
    reader = {"X-API-Key": make_key("models:read", name="reader")}
    body = {"model": "small", "challenger": "2", "mode": "shadow"}
    assert client.get(URL, headers=reader).status_code == 200
    assert client.post(URL, json=body, headers=reader).json["scope"] == "models:write"


def test_a_prediction_names_version_and_variant(client, start):
    """A customer is answered by the version that it belongs to, with that version's threshold and reasons."""
    document = start("ab", share=0.5)
    pinned = {
        version: lambda record, version=version: (
            client.post(f"/api/v1/predict/small?version={version}&reasons=3", json=record).json
        )
        for version in ("1", "2")
    }
    for variant, version in (("control", "1"), ("challenger", "2")):
        record = record_of(client, document, variant)
        answer = client.post("/api/v1/predict/small?reasons=3", json=record).json
        assert (answer["model_version"], answer["variant"]) == (version, variant)
        expected = pinned[version](record)
        assert "variant" not in expected
        for member in ("churn_probability", "threshold", "risk_band", "churn_prediction", "reasons", "base"):
            assert answer[member] == expected[member]


def test_a_batch_names_them_in_each_row(client, start):
    """Each prediction of a batch has its version, threshold and variant, as objects, columns and CSV alike."""
    document = start("ab", share=0.5)
    sent = [record_of(client, document, "control"), record_of(client, document, "challenger"), dict(CUSTOMER)]
    del sent[2]["customer_id"]
    singles = [client.post("/api/v1/predict/small", json=record).json for record in sent]
    answer = client.post("/api/v1/batch-predict/small", json={"customers": sent}).json
    members = ("customer_id", "churn_probability", "model_version", "threshold", "variant")
    assert [[row[name] for name in members] for row in answer["predictions"]] == [
        [single[name] for name in members] for single in singles
    ]
    assert [row["variant"] for row in answer["predictions"]] == ["control", "challenger", "live"]
    columns = client.post("/api/v1/batch-predict/small?layout=columns", json={"customers": sent}).json["predictions"]
    assert columns["variant"] == ["control", "challenger", "live"]
    with client.post("/api/v1/batch-predict/small", json={"customers": sent}, headers={"Accept": "text/csv"}) as table:
        rows = list(csv.DictReader(table.text.splitlines()))
    assert [row["variant"] for row in rows] == ["control", "challenger", "live"]
    assert [row["model_version"] for row in rows] == ["1", "2", "1"]
    skipped = {"customers": [*sent, {"customer_id": "bad"}]}
    rows = client.post("/api/v1/batch-predict/small?on_error=skip", json=skipped).json["predictions"]
    assert rows[:3] == answer["predictions"]
    assert rows[3] is None or rows[3]["customer_id"] == "bad"


def test_without_an_experiment_nothing_changes(client, start):
    """Before and after an experiment predictions have the members that they always had."""
    before = client.post("/api/v1/batch-predict/small", json={"customers": [CUSTOMER]}).json
    client.delete(f"{URL}/{start('ab')['id']}")
    after = client.post("/api/v1/batch-predict/small", json={"customers": [CUSTOMER]}).json
    assert before["predictions"] == after["predictions"]
    assert before.keys() == after.keys()


def test_tables_are_of_one_version(client, start):
    """A table is answered by the live version, whoever its customers are."""
    start("ab", share=0.9)
    table = customers(20).to_csv(index=False).encode()
    sent = {"data": table, "headers": {"Content-Type": "text/csv", "Accept": "application/json"}}
    answer = client.post("/api/v1/batch-predict/small", **sent).json
    pinned = client.post("/api/v1/batch-predict/small?version=1", **sent).json
    assert answer["predictions"] == pinned["predictions"]


def test_other_protocols_name_the_version(client, start):
    """V2 and KServe answer by the same split, and name the version that answered."""
    document = start("ab", share=0.5)
    both = [record_of(client, document, variant) for variant in ("control", "challenger")]
    for record, variant, version in zip(both, ("control", "challenger"), ("1", "2"), strict=True):
        kserve = client.post("/v1/models/small:predict", json={"instances": [record]})
        assert kserve.headers["Churn-Model-Version"] == version
        assert kserve.json["predictions"][0]["variant"] == variant
        tensors = [
            {"name": name, "datatype": "BYTES", "shape": [1], "data": [str(value)]} for name, value in record.items()
        ]
        v2 = client.post("/v2/models/small/infer", json={"inputs": tensors}).json
        assert v2["model_version"] == version
        outputs = {output["name"]: output["data"] for output in v2["outputs"]}
        assert (outputs["variant"], outputs["model_version"]) == ([variant], [version])
    several = client.post("/v1/models/small:predict", json={"instances": both})
    assert several.headers["Churn-Model-Version"] == "1, 2"
    assert [row["model_version"] for row in several.json["predictions"]] == ["1", "2"]


def test_the_python_api(client, start):
    """A predictor over the application answers by the same split; one with a version does not."""
    document = start("ab", share=0.5)
    record = record_of(client, document, "challenger")
    record = {name: value for name, value in record.items() if name != "customer_id"} | {
        "customerID": record["customer_id"]
    }
    prediction = predictor(client.application, "small").predict(record)
    assert (prediction.version, prediction.variant) == ("2", "challenger")
    (many,) = predictor(client.application, "small").predict_many([record])
    assert many == prediction
    pinned = predictor(client.application, "small", 1).predict(record)
    assert (pinned.version, pinned.variant) == ("1", None)


def test_making_another_version_live_ends_it(client, start):
    """The experiment ends with a reason when its challenger, or another version, is made live."""
    document = start("ab")
    client.put("/api/v1/models/small/live", json={"version": "2"})
    ended = client.get(f"{URL}/{document['id']}").json
    assert (ended["state"], ended["reason"]) == ("stopped", "version 2 was made live")
    answer = client.post("/api/v1/predict/small", json=CUSTOMER).json
    assert (answer["model_version"], "variant" in answer) == ("2", False)


def test_mlflow_names_the_version(client, start):
    """The rows of an invocation have the version that answered each, and the header has both."""
    document = start("ab", share=0.5)
    both = [record_of(client, document, variant) for variant in ("control", "challenger")]
    answer = client.post("/serving-endpoints/small/invocations", json={"dataframe_records": both})
    assert answer.headers["Churn-Model-Version"] == "1, 2"
    assert [row["variant"] for row in answer.json["predictions"]] == ["control", "challenger"]


def test_counts_survive_the_end_of_a_process_that_logs_nothing(models_dir, tmp_path):
    """What a process has counted for an experiment is written when it ends, also where predictions are not logged."""
    folder = shutil.copytree(models_dir, tmp_path / "models")
    app = create_app({"MODELS_DIR": str(folder), "TESTING": True, "AUTH": "open", "LOG_PREDICTIONS": "off"})
    services = services_of(app)
    services.management.make_live("small", "1", by="tests")
    services.experiment_management.start("small", "2", "ab", 5000, by="tests")
    for number in range(3):
        record = CUSTOMER | {"customer_id": f"N{number}"}
        assert app.test_client().post("/api/v1/predict/small", json=record).status_code == 200
    close(app)
    (observed,) = observed_experiments(services.database)
    assert sum(observed.records.values()) == 3
