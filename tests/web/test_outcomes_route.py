"""POST /api/v1/outcomes: who left and when, in every format."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from churn_api.app import create_app
from churn_api.store.audit import latest_entries
from churn_api.store.monitoring_tables import OUTCOMES
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close
from churn_api.web.v1.shared import outcome_input

ROUTE = "/api/v1/outcomes"
ROWS = [
    {"customerID": "7590-VHVEG", "left": "Yes", "on": "2026-03-01"},
    {"customer_id": 5, "left": False, "on": "2026-03-02", "contacted": True},
    {"request_id": "r-17", "left": True, "on": "2026-03-03T10:30:00Z", "kept_by": None},
    {"customer_id": "ann", "left": False, "on": "2026-03-04", "kept_by": "three months free"},
]
COUNTS = ("received", "stored", "unchanged", "replaced", "repeated", "contradictory", "late")


def post(client, rows, query="?model=small"):
    return client.post(f"{ROUTE}{query}", json={"outcomes": rows})


def counts(response):
    body = response.get_json()
    assert response.status_code == 200, body
    return {name: body[name] for name in COUNTS if body[name]}


def stored(app, *columns):
    with services_of(app).database.reading() as connection:
        current = select(*(OUTCOMES.c[name] for name in columns)).where(OUTCOMES.c.replaced_at.is_(None))
        return [tuple(row) for row in connection.execute(current.order_by(OUTCOMES.c.day, OUTCOMES.c.id))]


def test_json(app, client):
    """Outcomes name customers as predictions do, or requests; sending them again changes nothing."""
    assert counts(post(client, ROWS)) == {"received": 4, "stored": 4}
    columns = ("model", "by_request", "left", "contacted", "kept_by")
    assert stored(app, *columns) == [
        ("small", False, True, False, None),
        ("small", False, False, True, None),
        ("small", True, True, False, None),
        ("small", False, False, True, "three months free"),
    ]
    assert counts(post(client, ROWS)) == {"received": 4, "unchanged": 4}


@pytest.mark.parametrize(
    ("media_type", "write"),
    [
        ("text/csv", lambda table: table.to_csv(index=False).encode()),
        ("application/x-ndjson", lambda table: table.to_json(orient="records", lines=True).encode()),
        ("application/vnd.apache.parquet", lambda table: table.to_parquet(index=False)),
    ],
)
def test_tables(app, client, media_type, write):
    """A table gives the same outcomes as JSON, whatever its format."""
    table = pd.DataFrame({"customerID": ["7590-VHVEG", "5"], "left": ["Yes", "No"], "on": ["2026-03-01", "2026-03-02"]})
    response = client.post(f"{ROUTE}?model=small", data=write(table), content_type=media_type)
    assert counts(response) == {"received": 2, "stored": 2}
    assert counts(post(client, [{"customer_id": 5, "left": "No", "on": "2026-03-02"}])) == {
        "received": 1,
        "unchanged": 1,
    }


def test_corrections(app, client):
    """The last word on a customer and a day counts; what it replaces is kept, and the answer says which row it was."""
    first = {"customer_id": "ann", "left": True, "on": "2026-03-01"}
    post(client, [first])
    response = post(client, [{**first, "left": False}])
    assert counts(response) == {"received": 1, "replaced": 1}
    assert response.get_json()["positions"] == {"replaced": [0]}
    assert stored(app, "left") == [(False,)]
    with services_of(app).database.reading() as connection:
        assert len(connection.execute(select(OUTCOMES)).all()) == 2


def test_odd_rows(client):
    """Rows that stand twice, or contradict each other, are counted, and their positions are listed."""
    row = {"customer_id": "ann", "left": True, "on": "2026-03-01"}
    response = post(
        client, [row, row, {**row, "left": False}, {**row, "on": "2026-03-20"}, {**row, "on": "2026-04-20"}]
    )
    assert counts(response) == {"received": 5, "stored": 3, "repeated": 1, "contradictory": 1}
    assert response.get_json()["positions"] == {"repeated": [0], "contradictory": [1]}
    again = post(client, [{**row, "on": "2026-05-20"}])
    assert counts(again) == {"received": 1, "stored": 1, "contradictory": 1}


def test_late(client):
    """Rows for days that were declared complete are stored, and said to be late."""
    declared = client.post(f"{ROUTE}/complete?model=small", json={"until": "2026-03-10"})
    assert declared.get_json() == {"model_name": "small", "complete_until": "2026-03-10"}
    rows = [{"customer_id": name, "left": True, "on": f"2026-03-{10 + day}"} for day, name in enumerate(["ann", "bob"])]
    response = post(client, rows)
    assert counts(response) == {"received": 2, "stored": 2, "late": 1}
    assert response.get_json()["positions"] == {"late": [0]}


def test_faults(app, client):
    """All faults of a body are listed at once, and nothing is stored."""
    tomorrow = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    rows = [
        {"left": True, "on": "2026-03-01"},
        {"customer_id": "ann", "request_id": "r1", "left": True, "on": "2026-03-01"},
        {"customer_id": "bob", "left": "perhaps", "on": tomorrow, "contacted": 1},
        {"customer_id": "bob", "left": True, "on": tomorrow},
        {"customer_id": "bob", "left": True, "on": "yesterday", "kept_bye": "x", "left_on": 3},
        {"customer_id": "cleo", "left": True, "on": "2026-03-01"},
        {"customer_id": "dora", "left": True, "on": "2026-03-01", "kept_by": "a\0b"},
    ]
    response = post(client, rows)
    assert response.status_code == 422
    assert sorted((each["pointer"], each["code"]) for each in response.get_json()["errors"]) == [
        ("#/outcomes/0/customer_id", "required"),
        ("#/outcomes/1/request_id", "sent-twice"),
        ("#/outcomes/2/contacted", "wrong-type"),
        ("#/outcomes/2/left", "wrong-type"),
        ("#/outcomes/3/on", "too-large"),
        ("#/outcomes/4/kept_bye", "unknown-field"),
        ("#/outcomes/4/left_on", "unknown-field"),
        ("#/outcomes/4/on", "wrong-type"),
        ("#/outcomes/6/kept_by", "not-printable"),
    ]
    assert stored(app, "id") == []
    assert "perhaps" not in response.text


def test_table_faults(app, client):
    """The faults of a table name row and column, and no value."""
    table = b"customer_id,left,on\nann,yes,2026-03-01\nbob,secret,2026-03-01\n,no,2026-03-01\ncleo,no,2999-01-01\n"
    response = client.post(f"{ROUTE}?model=small", data=table, content_type="text/csv")
    assert response.status_code == 422
    errors = [(each["row"], each["column"], each["code"]) for each in response.get_json()["errors"]]
    assert errors == [(3, "left", "wrong-type"), (4, "customer_id", "required"), (5, "on", "too-large")]
    assert stored(app, "id") == []
    assert "secret" not in response.text
    without = client.post(f"{ROUTE}?model=small", data=b"customer_id,left\nann,yes\n", content_type="text/csv")
    assert (without.status_code, without.get_json()["errors"][0]["pointer"]) == (422, "#/on")


@pytest.mark.parametrize("media_type", ["application/json", "text/csv"])
def test_too_many(client, monkeypatch, media_type):
    """More outcomes than a request may have are a 413 that names the limit, in every format."""
    monkeypatch.setattr(outcome_input, "MAX_OUTCOMES", 2)
    rows = [{"customer_id": number, "left": True, "on": "2026-03-01"} for number in range(3)]
    bodies = {"application/json": json.dumps({"outcomes": rows}), "text/csv": pd.DataFrame(rows).to_csv(index=False)}
    response = client.post(f"{ROUTE}?model=small", data=bodies[media_type], content_type=media_type)
    assert (response.status_code, response.get_json()["limit"]) == (413, 2)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"outcomes": []}', 422),
        (b'{"outcomes": {}}', 422),
        (b"[]", 422),
        (b'{"outcomes": [{"customer_id": NaN}]}', 400),
        (b'{"outcomes": [{"customer_id": "\xff", "left": true, "on": "2026-03-01"}]}', 400),
        (b'{"outcomes": [{"customer_id": "a\\u0000b", "left": true, "on": "2026-03-01"}]}', 422),
        (b'{"outcomes": [{"request_id": "\\ud800", "left": true, "on": "2026-03-01"}]}', (400, 422)),
    ],
)
def test_hostile(client, body, status):
    """Whatever is sent, the answer is a problem."""
    response = client.post(ROUTE, data=body, content_type="application/json")
    assert response.status_code in (status if isinstance(status, tuple) else (status,))
    assert response.content_type == "application/problem+json"


def test_complete_faults(client):
    """A day that is no date, or in the future, is a fault of `until`."""
    for until in ("soon", "2999-01-01", 5, None):
        response = client.post(f"{ROUTE}/complete", json={"until": until})
        assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (422, "#/until")


def test_unknown_model(tensor_client):
    """Outcomes are of a model of customers that is live."""
    assert post(tensor_client, ROWS, "?model=none").get_json()["code"] == "unknown-model"
    assert post(tensor_client, ROWS, "?model=iris").get_json()["code"] == "other-kind-of-model"


def test_scope(client, make_key):
    """Reporting needs the scope `outcomes`, whatever else a key may do."""
    key = {"X-API-Key": make_key("predict", "jobs", "models:read", "models:write", "ops", name="others")}
    for route, body in ((ROUTE, {"outcomes": ROWS}), (f"{ROUTE}/complete", {"until": "2026-03-01"})):
        response = client.post(route, json=body, headers=key)
        assert (response.status_code, response.get_json()["scope"]) == (403, "outcomes")


def test_no_identifier(app, client, instance, caplog):
    """Neither the database nor the audit nor the log has an identifier; the audit says who reported how many rows."""
    caplog.set_level("DEBUG")
    post(client, ROWS)
    client.post(f"{ROUTE}/complete?model=small", json={"until": "2026-03-10"})
    close(app)
    for path in Path(instance).glob("churn.db*"):
        assert b"7590-VHVEG" not in path.read_bytes()
        assert b"r-17" not in path.read_bytes()
    assert "7590-VHVEG" not in caplog.text
    with_app = create_app()
    complete, reported, *_ = latest_entries(services_of(with_app).database, 5)
    close(with_app)
    assert (reported.action, reported.subject, dict(reported.detail)) == (
        "outcomes.report",
        "small",
        {"stored": 4, "replaced": 0, "late": 0},
    )
    assert (complete.action, dict(complete.detail)) == ("outcomes.complete", {"until": "2026-03-10", "before": None})
    assert "tests" in reported.actor


def test_form(client):
    """A form with a file is a table too."""
    file = (io.BytesIO(b"customer_id,left,on\nann,yes,2026-03-01\n"), "left.csv")
    assert counts(client.post(f"{ROUTE}?model=small", data={"file": file})) == {"received": 1, "stored": 1}
