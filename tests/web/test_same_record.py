"""The same record gives the same double by every route and format."""

import csv
import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import customers
from click.testing import CliRunner

import churn_api
from churn_api.cli import main
from churn_api.tables.formats import FORMATS

ROWS = 40
TABLE = customers(ROWS, seed=6).drop(columns="Churn")
TABLE.loc[3, "Region"] = None
TABLE.loc[4, "MonthlyCharges"] = None


def records():
    """The rows as JSON records, without missing values."""
    rows = TABLE.assign(Partner=TABLE["Partner"] == "Yes").to_dict("records")
    return [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]


def as_csv():
    return TABLE.to_csv(index=False).encode()


def as_parquet():
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(TABLE, preserve_index=False), sink)
    return sink.getvalue()


def of_csv(text):
    return [float(row["churn_probability"]) for row in csv.DictReader(io.StringIO(text))]


def of_parquet(data):
    return pq.read_table(io.BytesIO(data)).column("churn_probability").to_pylist()


@pytest.mark.parametrize("version", ["1", "2"], ids=["logistic", "boosting"])
def test_same_double(client, models_dir, tmp_path, monkeypatch, version):
    """A record by predict and in Python, all in JSON, CSV, Parquet and by `churn-api score`: difference exactly 0."""
    query = f"small?version={version}"
    alone = [client.post(f"/api/v1/predict/{query}", json=record).json["churn_probability"] for record in records()]
    assert len(set(alone)) > ROWS // 2
    predictor = churn_api.load(models_dir / "small" / version)
    assert [predictor.predict(record).probability for record in records()] == alone
    assert [prediction.probability for prediction in predictor.predict_many(records())] == alone

    def batch(data, kind):
        kind = FORMATS[kind].media_type if kind in FORMATS else kind
        return client.post(f"/api/v1/batch-predict/{query}", data=data, content_type=kind, buffered=True)

    answer = batch(json.dumps({"customers": records()}), "application/json").json
    assert [row["churn_probability"] for row in answer["predictions"]] == alone
    assert of_csv(batch(as_csv(), "csv").text) == alone
    assert of_parquet(batch(as_parquet(), "parquet").data) == alone
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    for name, data in (("in.csv", as_csv()), ("in.parquet", as_parquet())):
        source, result = tmp_path / name, tmp_path / f"out-{name}.parquet"
        source.write_bytes(data)
        command = ["score", str(source), "-o", str(result), "--model", "small", "--version", version]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        assert of_parquet(result.read_bytes()) == alone


def test_any_part_of_a_batch(client):
    """A customer's probability does not depend on the other customers in the batch."""

    def batch(some):
        answer = client.post("/api/v1/batch-predict/small?version=1", json={"customers": some}).json
        return [row["churn_probability"] for row in answer["predictions"]]

    every = batch(records())
    for size in (1, 2, 3, 5, 8, 13, 39):
        assert batch(records()[-size:]) == every[-size:]
