"""MLflow's own client of its scoring server, unmodified."""

import warnings

import pytest
import requests
from builders import customers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    mlflow = pytest.importorskip("mlflow.pyfunc.scoring_server.client", reason="needs MLflow: `make test-clients`")

pytestmark = pytest.mark.filterwarnings("ignore")
TABLE = customers(12, seed=7).drop(columns=["Churn", "customerID"])


@pytest.fixture
def server(serve, models_dir, monkeypatch):
    """A server whose default model is `small`, where every caller needs a key."""
    monkeypatch.setenv("CHURN_AUTH", "required")
    with serve(models_dir, workers=1, CHURN_DEFAULT_MODEL="small") as server:
        yield server


@pytest.fixture
def key(make_key):
    return make_key("predict")


@pytest.fixture
def expected(server, key):
    """The probabilities of the same rows by /api/v1, as CSV."""
    answer = requests.post(
        f"{server.url}/api/v1/batch-predict",
        data=TABLE.to_csv(index=False),
        headers={"Content-Type": "text/csv", "Accept": "application/json", "X-API-Key": key},
        timeout=30,
    )
    return [row["churn_probability"] for row in answer.json()["predictions"]]


def client_of(server, key, path=""):
    return mlflow.ScoringServerClient(f"any:{key}@127.0.0.1", f"{server.port}{path}")


def test_server_is_ready(server, key):
    """The client finds the server ready, and its version."""
    client = client_of(server, key)
    client.ping()
    client.wait_server_ready(timeout=10)
    assert client.get_version()


@pytest.mark.parametrize("path", ["", "/serving-endpoints/small"])
def test_frames(server, key, expected, path):
    """A DataFrame as the model was trained on, with gaps and Yes/No, gets the doubles of /api/v1, by either path."""
    result = client_of(server, key, path).invoke(TABLE).get_predictions()
    assert result["churn_probability"].tolist() == expected
    assert set(result) == {"churn_probability", "churn_prediction", "risk_band"}


def test_lists_and_parameters(server, key):
    """A list of records is taken, and a threshold moves the prediction."""
    records = TABLE.dropna().to_dict("records")
    result = client_of(server, key).invoke(records, params={"threshold": 0.0}).get_predictions()
    assert set(result["churn_prediction"]) == {1}


def test_errors(server, key):
    """The client's exception names the column at fault, and a key that is not valid."""
    with pytest.raises(Exception, match=r"error code 400.*tenure"):
        client_of(server, key).invoke(TABLE.drop(columns="tenure"))
    with pytest.raises(Exception, match=r"error code 401.*UNAUTHENTICATED"):
        client_of(server, "wrong").invoke(TABLE)
