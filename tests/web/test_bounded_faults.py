"""Responses list a bounded number of faults and choices, count the rest, and do not take long."""

import json
import shutil

import pytest
from builders import feature, signature

from churn_api.app import create_app
from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.faults import MAX_FAULTS, MAX_LISTED, Words, bounded_hints, did_you_mean
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
    assert (len(problem["errors"]), problem["more_errors"]) == (
        MAX_FAULTS,
        ROWS * FAULTS - MAX_FAULTS,
    )
    last = problem["errors"][-1]
    assert last["pointer"] == "#/customers/333/tenure" if sent == "json" else last["row"] == 335


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_few_faults_are_all(send, sent):
    """Where all faults are listed there is no `more_errors`."""
    problem = send(BAD, sent, rows=5).json
    assert (len(problem["errors"]), "more_errors" in problem) == (5 * FAULTS, False)


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_skipped_rows(send, sent):
    """Faults of skipped rows are bounded in the same way."""
    answer = send(BAD, sent, "?on_error=skip", Accept="application/json")
    assert answer.status_code == 200
    assert (len(answer.json["errors"]), answer.json["more_errors"]) == (
        MAX_FAULTS,
        ROWS * FAULTS - MAX_FAULTS,
    )


def test_warnings():
    """Warnings are bounded as faults are."""
    reader = BatchReader(signature(feature("plan", "string", choices=("A", "B"), unseen="accept")))
    batch = reader.read_many(json.dumps({"customers": [{"plan": "C"}] * 1500}).encode(), 2000)
    assert (len(batch.warnings), batch.more_warnings) == (MAX_FAULTS, 500)


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


@pytest.fixture
def send_wide(wide, make_key):
    key = {"X-API-Key": make_key("predict", "models:write")}
    wide.post("/api/v1/models", json={"path": "wide/1"}, headers=key)
    wide.put("/api/v1/models/wide/live", json={"version": "1"}, headers=key)

    def post(sent, **texts):
        """A thousand rows, whose texts have the row's number instead of `#`."""
        wrong = [
            {"tenure": 3, "MonthlyCharges": 50.0, "Partner": True}
            | {name: text.replace("#", str(row)) for name, text in texts.items()}
            for row in range(1000)
        ]
        lines = "".join(f"3,50,Yes,{','.join(row[name] for name in texts)}\n" for row in wrong)
        text = f"tenure,MonthlyCharges,Partner,{','.join(texts)}\n{lines}"
        body, kind = (text, CSV) if sent == "csv" else (json.dumps({"customers": wrong}), "application/json")
        answer = wide.post("/api/v1/batch-predict/wide", data=body, content_type=kind, headers=key)
        assert answer.status_code == 422, answer.text
        return answer

    return post


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_many_choices(send_wide, sent):
    """Of 50,000 choices twenty are listed; a thousand rows with a misspelt one get a short response with a hint."""
    answer = send_wide(sent, Contract="contract numbir #")
    assert len(answer.data) < 1_000_000
    first, last = answer.json["errors"][0], answer.json["errors"][-1]
    assert first["message"].endswith(f" and {50_003 - MAX_LISTED:,} more.")
    assert first["hint"] == "Did you mean 'contract number 0'?"
    assert last.get("hint") is None


@pytest.mark.parametrize("sent", ["json", "csv"])
def test_few_choices_next_to_many(send_wide, sent):
    """A feature with few choices gets hints even where another feature has too many choices to compare."""
    errors = send_wide(sent, Contract="contract numbir #", Region="Nrth").json["errors"]
    contracts, regions = (
        [error for error in errors if name in (error.get("pointer") or error["column"])]
        for name in ("Contract", "Region")
    )
    assert contracts[-1].get("hint") is None
    assert {error["hint"] for error in regions} == {"Did you mean 'North'?"}


def test_long_choices():
    """The longer the choices are, the fewer misspelt words get a hint, since comparing takes longer."""

    def hints(length):
        words = Words("x" * length + str(number) for number in range(10_000))
        with bounded_hints():
            return sum(did_you_mean("x" * length + "#", words) is not None for _ in range(1000))

    assert 1 <= hints(200) < hints(20) / 10
