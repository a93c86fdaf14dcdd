"""The main job on the real thing: train on the IBM Telco table, serve it, and ask for every one of its rows."""

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import requests
from conftest import Silent, make_all_live

from churn_api.contract.record import InvalidRecord
from churn_api.registry.card import Card
from churn_api.registry.model import load_model
from churn_api.store.database import Database
from churn_api.tables.training_table import read_table, to_columns, to_records
from churn_api.training.train import TrainingResult, train
from churn_api.training.training_options import TrainingOptions

BATCH = 1000


@pytest.fixture(scope="module")
def models(telco, tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("telco")


@pytest.fixture(scope="module")
def trained(telco, models) -> TrainingResult:
    """Version 1: what `train` chooses."""
    return train_telco(telco, models)


@pytest.fixture(scope="module")
def boosted(telco, models, trained) -> TrainingResult:
    """Version 2: trees, whatever is chosen."""
    return train_telco(telco, models, "boosting")


def train_telco(telco, models, estimator="auto"):
    choices = TrainingOptions(target="Churn", identifier="customerID")
    return train(telco, choices, name="telco", models_dir=models, progress=Silent(), estimator=estimator)


@pytest.fixture
def card(trained) -> Card:
    return trained.card


@pytest.fixture
def records(telco, card):
    return list(to_records(read_table(telco), card.signature))


@pytest.fixture
def served(serve, models, trained, boosted, instance):
    """A server whose default model is the table's."""
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    make_all_live(models, database)
    database.close()
    with serve(models, CHURN_DEFAULT_MODEL="telco") as server:
        yield server


def asked_itself(telco, bundle):
    """What the pipeline itself says of the table as pandas reads it, in the frame that docs/training.md describes."""
    table = pd.read_csv(telco, na_values=" ")
    frame = table.drop(columns=["customerID", "Churn"])
    for name in ("Partner", "Dependents", "PhoneService", "PaperlessBilling"):
        frame[name] = frame[name] == "Yes"
    numeric = frame.select_dtypes(["number", "bool"]).columns
    frame[numeric] = frame[numeric].astype("float64")
    pipeline = joblib.load(bundle / "model.joblib")
    return pipeline.predict_proba(frame)[:, 1]


def test_quality(card):
    """Five-fold metrics reach what honest protocols publish for this table, and no more than that."""
    chosen = card.metrics["candidates"][card.metrics["chosen"]]
    assert 0.845 <= chosen["roc_auc"]["mean"] < 0.87
    assert chosen["pr_auc"]["mean"] >= 0.655
    assert chosen["brier"]["mean"] <= 0.137
    assert card.scorer == "onnx"


def test_signature(card):
    """All columns but identifier and target are features; TotalCharges alone, blank in 11 rows, is optional."""
    features = {feature.name: feature for feature in card.signature.features}
    assert len(features) == 19
    assert [name for name, feature in features.items() if not feature.required] == ["TotalCharges"]
    assert features["SeniorCitizen"].type == features["Partner"].type == "boolean"
    assert features["Contract"].choices == ("Month-to-month", "One year", "Two year")


def test_remarks(trained):
    """Of this table two columns are said to go together, and nothing else."""
    assert [(remark.column, remark.seen.split(" (")[0]) for remark in trained.remarks] == [
        ("tenure", "rises and falls with 'TotalCharges'")
    ]


def test_rows_one_by_one(served, telco, models, records):
    """A seventh of the rows, and each that lacks a value, posted alone, get the pipeline's probability within 1e-6."""
    rows = [row for row, record in enumerate(records) if row % 7 == 0 or "TotalCharges" not in record]
    with requests.Session() as session:
        route = f"{served.url}/api/v1/predict?version=1"
        answers = [session.post(route, json=records[row], timeout=30).json() for row in rows]
    assert [answer["customer_id"] for answer in answers] == [records[row]["customerID"] for row in rows]
    assert sum("TotalCharges" not in record for record in records) == 11
    probabilities = np.array([answer["churn_probability"] for answer in answers])
    assert np.abs(probabilities - asked_itself(telco, models / "telco" / "1")[rows]).max() <= 1e-6


@pytest.mark.parametrize("version", ["1", "2"])
def test_every_row_in_batches(served, telco, models, records, version):
    """The same in batches of a thousand, of the chosen model and of the boosted one."""
    probabilities = []
    route = f"{served.url}/api/v1/batch-predict/telco?version={version}"
    for start in range(0, len(records), BATCH):
        answer = requests.post(route, json={"customers": records[start : start + BATCH]}, timeout=30)
        probabilities += [row["churn_probability"] for row in answer.json()["predictions"]]
    assert np.abs(np.array(probabilities) - asked_itself(telco, models / "telco" / version)).max() <= 1e-6


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_same_double(telco, models, boosted, version):
    """Every row gets alone what it gets in blocks of any size, to the last digit, from each kind of model."""
    if not (models / "telco" / "3").exists():
        train_telco(telco, models, "logistic")
    model = load_model(models / "telco" / version)
    columns = to_columns(read_table(telco), model.card.signature)
    alone = np.concatenate([model.score(row) for row in columns.blocks(1)])
    for size in (2, 7, 64, 499, BATCH, columns.rows):
        assert np.array_equal(np.concatenate([model.score(block) for block in columns.blocks(size)]), alone)


def test_its_own_target_is_explained(models, trained):
    """A row that contains its target is rejected with a clear message."""
    with pytest.raises(InvalidRecord) as caught:
        load_model(models / "telco" / "1").reader.read_one(b'{"Churn": "Yes"}')
    assert "This is what the model predicts: leave it out." in [fault.hint for fault in caught.value.faults]
