"""`reasons` of batches, tables, jobs and the command: the same record has the same reasons, to the last digit."""

import io
import json
import shutil

import pandas as pd
import pyarrow.parquet
import pytest
from builders import CUSTOMER, customers
from click.testing import CliRunner
from office import Office

from churn_api.app import create_app
from churn_api.cli import main

BATCH = "/api/v1/batch-predict/small"
RECORDS = [
    {name: None if pd.isna(value) else value for name, value in row.items() if name != "Churn"}
    for row in customers(30, seed=5).to_dict("records")
]
"""Customers with missing values."""


@pytest.fixture
def alone(client):
    """Each record's response, asked for alone with two reasons."""
    return [client.post("/api/v1/predict/small?reasons=2", json=record).json for record in RECORDS]


def table_of(alone):
    """The reasons of responses as columns of a table."""
    return {
        f"reason_{rank + 1}{part}": [answer["reasons"][rank][name] for answer in alone]
        for rank in range(2)
        for part, name in (("", "feature"), ("_contribution", "contribution"))
    }


def test_batch(client, alone):
    """A batch gives each customer what it has alone, and once what all of them share."""
    answer = client.post(f"{BATCH}?reasons=2", json={"customers": RECORDS}).json
    own = ("customer_id", "churn_prediction", "churn_probability", "risk_band", "reasons", "others", "log_odds")
    assert answer["predictions"] == [{name: one[name] for name in own} for one in alone]
    assert {(one["base"], one["reasons_method"]) for one in alone} == {(answer["base"], answer["reasons_method"])}


def test_batch_by_columns(client, alone):
    """`layout=columns` has a list for each member, with null for a bad row."""
    sent = {"customers": [*RECORDS, {"tenure": "old"}]}
    columns = client.post(f"{BATCH}?reasons=2&layout=columns&on_error=skip", json=sent).json["predictions"]
    for name in ("reasons", "others", "log_odds"):
        assert columns[name] == [*(one[name] for one in alone), None]


@pytest.mark.parametrize("accept", ["text/csv", "application/vnd.apache.parquet"])
def test_batch_as_a_table(client, alone, accept):
    """A table as the response to records has a name and a contribution for each reason, and nothing for a bad row."""
    sent = {"customers": [*RECORDS, {"tenure": "old"}]}
    read = pd.read_csv if accept == "text/csv" else pd.read_parquet
    with client.post(f"{BATCH}?reasons=2&on_error=skip", json=sent, headers={"Accept": accept}) as answer:
        table = read(io.BytesIO(answer.data))
    for name, values in table_of(alone).items():
        assert table[name][:-1].tolist() == values
        assert table[name].isna().tolist() == [False] * len(RECORDS) + [True]


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_table(client, alone, accept):
    """A table that is sent gets the same columns, in JSON as members of each prediction."""
    body = pd.DataFrame(RECORDS).to_csv(index=False)
    headers = {"Accept": accept, "Content-Type": "text/csv"}
    with client.post(f"{BATCH}?reasons=2", data=body, headers=headers) as answer:
        is_csv = accept == "text/csv"
        table = pd.read_csv(io.BytesIO(answer.data)) if is_csv else pd.DataFrame(answer.json["predictions"])
    for name, values in table_of(alone).items():
        assert table[name].tolist() == values


def test_more_reasons_than_features(client):
    """Ranks beyond the number of features are empty."""
    headers = {"Accept": "application/json", "Content-Type": "text/csv"}
    body = pd.DataFrame(RECORDS[:1]).to_csv(index=False)
    (row,) = client.post(f"{BATCH}?reasons=20", data=body, headers=headers).json["predictions"]
    assert (row["reason_5"] is None, row["reason_6"], row["reason_6_contribution"]) == (False, None, None)


def test_job_and_command(client, alone, models_dir, tmp_path, monkeypatch):
    """A job's result and the command's have the same columns."""
    path = tmp_path / "t.parquet"
    pd.DataFrame(RECORDS).to_parquet(path)
    office = Office(models_dir)
    files = office.put(path, version="2", result_format="parquet", reasons=2, keep=[])
    with office.worker(tmp_path / "log"):
        assert office.finished().state == "succeeded"
    office.services.database.close()
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    command = [
        "score",
        str(path),
        "--model",
        "small",
        "--version",
        "2",
        "--reasons",
        "2",
        "-o",
        str(tmp_path / "o.parquet"),
    ]
    assert CliRunner().invoke(main, command).exit_code == 0
    for result in (files.result, tmp_path / "o.parquet"):
        table = pyarrow.parquet.read_table(result).to_pydict()
        assert {name: table[name] for name in table_of(alone)} == table_of(alone)


def test_request_for_a_job(client):
    """`reasons` is a member of a job's request, with the same bounds."""
    answer = client.post("/api/v1/jobs", json={"source": "a.csv", "reasons": 21})
    assert [error["pointer"] for error in answer.json["errors"]] == ["#/reasons"]


@pytest.fixture
def without_reasons(models_dir, tmp_path):
    models = shutil.copytree(models_dir, tmp_path / "models")
    (models / "small" / "2" / "reasons.onnx").write_bytes(b"changed")
    return models


def test_model_that_gives_none(without_reasons, tmp_path, make_key):
    """Every door refuses reasons of a model that gives none, in words that say why, before any work."""
    client = create_app({"MODELS_DIR": str(without_reasons), "DATA_DIR": str(tmp_path), "TESTING": True}).test_client()
    (tmp_path / "a.csv").write_text("tenure\n1\n")
    client.environ_base["HTTP_X_API_KEY"] = make_key("predict", "jobs")
    bodies = [{"customers": [CUSTOMER]}, {"model": "small", "source": "a.csv", "reasons": 1}]
    for path, body in zip((f"{BATCH}?reasons=1", "/api/v1/jobs"), bodies, strict=True):
        answer = client.post(path, json=body)
        (error,) = answer.json["errors"]
        assert (answer.status_code, error["code"]) == (422, "no-reasons")
    answer = client.post(f"{BATCH}?reasons=1", data="tenure\n1\n", content_type="text/csv")
    assert answer.json["errors"][0]["code"] == "no-reasons"


def test_command_with_a_model_that_gives_none(without_reasons, tmp_path, monkeypatch):
    """The command says why in one line, and writes nothing."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(without_reasons))
    table = tmp_path / "t.csv"
    pd.DataFrame(RECORDS).to_csv(table, index=False)
    output = tmp_path / "o.csv"
    result = CliRunner().invoke(
        main, ["score", str(table), "--model", "small", "--version", "2", "--reasons", "1", "-o", str(output)]
    )
    assert result.exit_code == 2
    assert "the model gives no reasons: reasons.onnx is not the file that was packaged" in result.stderr
    assert not output.exists()


def test_json_is_json(client):
    """The response with reasons is what a strict parser reads."""
    answer = client.post(f"{BATCH}?reasons=3", json={"customers": RECORDS})
    assert json.loads(answer.data)["count"] == len(RECORDS)
