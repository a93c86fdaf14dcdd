"""However much is wrong, an answer lists so many faults and choices and counts the rest, without taking long."""

import json
import shutil

import pytest
from builders import feature, signature

from churn_api.app import create_app
from churn_api.contract.batch import BatchReader
from churn_api.contract.faults import MAX_LISTED, MAX_TOLD
from churn_api.tables.formats import FORMATS

ROUTE = "/api/v1/batch-predict/small"
CSV = FORMATS["csv"].media_type
HEADER = "tenure,MonthlyCharges,Partner,Contract,Region\n"
ROWS = 900
BAD = {"tenure": "x", "MonthlyCharges": "y", "Partner": True, "Contract": "Monthly"}
FAULTS = 3  # of each


def as_csv(record, rows):
    names = HEADER.strip().split(",")
    return HEADER + (",".join(str(record.get(name, "")) for name in names) + "\n") * rows


@pytest.fixture
def send(client):
    def post(record, sent, query="", rows=ROWS, **headers):
        body = as_csv(record, rows) if sent == "csv" else json.dumps({"customers": [record] * rows})
        kind = CSV if sent == "csv" else "application/json"
        return client.post(ROUTE + query, data=body, content_type=kind, headers=headers)

    return post


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_the_first_faults(send, sent):
    """A 422 lists the first thousand faults in order and counts the others; its detail counts rows or all faults."""
    problem = send(BAD, sent).json
    assert (len(problem["errors"]), problem["more_errors"]) == (MAX_TOLD, ROWS * FAULTS - MAX_TOLD)
    last = problem["errors"][-1]
    assert last["pointer"] == "#/customers/333/tenure" if sent == "json" else last["row"] == 335


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_few_faults_are_all(send, sent):
    """Where all faults are listed nothing is said of more."""
    problem = send(BAD, sent, rows=5).json
    assert (len(problem["errors"]), "more_errors" in problem) == (5 * FAULTS, False)


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_skipped_rows(send, sent):
    """Rows that are skipped are told in the same way."""
    answer = send(BAD, sent, "?on_error=skip", Accept="application/json")
    assert answer.status_code == 200
    assert (len(answer.json["errors"]), answer.json["more_errors"]) == (MAX_TOLD, ROWS * FAULTS - MAX_TOLD)


def test_warnings():
    """Warnings are bounded as faults are."""
    reader = BatchReader(signature(feature("plan", "string", choices=("A", "B"), unseen="accept")))
    batch = reader.read_many(json.dumps({"customers": [{"plan": "C"}] * 1500}).encode(), 2000)
    assert (len(batch.warnings), batch.more_warnings) == (MAX_TOLD, 500)


@pytest.fixture
def wide(models_dir, tmp_path):
    """A client of an application whose model knows 50,000 contracts."""
    models = tmp_path / "models"
    shutil.copytree(models_dir / "small" / "1", models / "wide" / "1")
    path = models / "wide" / "1" / "card.json"
    card = json.loads(path.read_text()) | {"name": "wide"}
    feature = next(one for one in card["signature"]["features"] if one["name"] == "Contract")
    feature["choices"] += [f"contract number {number}" for number in range(50_000)]
    path.write_text(json.dumps(card))
    return create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_many_choices(wide, sent, make_key):
    """Of 50,000 choices twenty are listed; a thousand rows with a misspelt one get a short answer, the first a hint."""
    key = {"X-API-Key": make_key("predict", "models:write")}
    wide.post("/api/v1/models", json={"path": "wide/1"}, headers=key)
    wide.put("/api/v1/models/wide/live", json={"version": "1"}, headers=key)
    wrong = [
        {"tenure": 3, "MonthlyCharges": 50.0, "Partner": True, "Contract": f"contract numbir {row}"}
        for row in range(1000)
    ]
    text = "tenure,MonthlyCharges,Partner,Contract\n" + "".join(f"3,50,Yes,{one['Contract']}\n" for one in wrong)
    body, kind = (text, CSV) if sent == "csv" else (json.dumps({"customers": wrong}), "application/json")
    answer = wide.post("/api/v1/batch-predict/wide", data=body, content_type=kind, headers=key)
    assert answer.status_code == 422, answer.text
    assert len(answer.data) < 1_000_000
    first, last = answer.json["errors"][0], answer.json["errors"][-1]
    assert first["message"].endswith(f" and {50_003 - MAX_LISTED:,} more.")
    assert first["hint"] == "Did you mean 'contract number 0'?"
    assert last.get("hint") is None
