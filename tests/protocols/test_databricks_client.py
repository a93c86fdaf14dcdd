"""Databricks' own SDK, unmodified."""

import warnings

import pytest
import requests
from builders import customers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    sdk = pytest.importorskip("databricks.sdk", reason="needs Databricks' SDK: `make test-clients`")
    from databricks.sdk.errors import DatabricksError
    from databricks.sdk.service.serving import DataframeSplitInput

pytestmark = pytest.mark.filterwarnings("ignore")
TABLE = customers(12, seed=7).drop(columns=["Churn", "customerID"]).dropna()
RECORDS = TABLE.to_dict("records")


@pytest.fixture
def server(serve, models_dir, monkeypatch):
    monkeypatch.setenv("CHURN_AUTH", "required")
    with serve(models_dir, workers=1) as server:
        yield server


@pytest.fixture
def key(make_key):
    return make_key("predict")


def client_of(server, key):
    return sdk.WorkspaceClient(host=server.url, token=key, auth_type="pat")


def test_queries(server, key):
    """An endpoint with the model's name answers records and split frames with the doubles of /api/v1."""
    address, headers = f"{server.url}/api/v1/batch-predict/small", {"X-API-Key": key}
    own = requests.post(address, json={"customers": RECORDS}, headers=headers, timeout=30).json()
    expected = [row["churn_probability"] for row in own["predictions"]]
    endpoints = client_of(server, key).serving_endpoints
    split = DataframeSplitInput(columns=list(TABLE), data=[list(record.values()) for record in RECORDS])
    for answer in (
        endpoints.query("small", dataframe_records=RECORDS),
        endpoints.query("small", dataframe_split=split),
        endpoints.query("small", instances=RECORDS),
        endpoints.query("small", inputs=RECORDS),
    ):
        assert [row["churn_probability"] for row in answer.predictions] == expected


def test_errors(server, key):
    """The SDK's exception has the error's name, and words that name the column."""
    with pytest.raises(DatabricksError, match="tenure") as caught:
        client_of(server, key).serving_endpoints.query("small", dataframe_records=[{"tenure": "five"}])
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(DatabricksError) as caught:
        client_of(server, key).serving_endpoints.query("nothing", dataframe_records=RECORDS)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    with pytest.raises(DatabricksError) as caught:
        client_of(server, "wrong").serving_endpoints.query("small", dataframe_records=RECORDS)
    assert caught.value.error_code == "UNAUTHENTICATED"
