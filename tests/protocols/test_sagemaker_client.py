"""SageMaker's own runtime client, of boto3, unmodified."""

import json
import warnings

import pytest
import requests
from builders import customers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    boto3 = pytest.importorskip("boto3", reason="needs boto3: `make test-clients`")
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import ClientError

pytestmark = pytest.mark.filterwarnings("ignore")
TABLE = customers(12, seed=7).drop(columns=["Churn", "customerID"]).dropna()
CSV = TABLE.to_csv(index=False, header=False)


@pytest.fixture
def server(serve, models_dir):
    """A server that asks for no key, as in a container of SageMaker's."""
    with serve(models_dir, workers=1) as server:
        yield server


def client_of(server, **options):
    known = {"endpoint_url": server.url, "region_name": "eu-west-1"}
    return boto3.client("sagemaker-runtime", **known, config=Config(retries={"total_max_attempts": 1}, **options))


def test_invocations(server):
    """An endpoint with the model's name answers each line of a CSV with the double of /api/v1."""
    records = {"customers": TABLE.to_dict("records")}
    own = requests.post(f"{server.url}/api/v1/batch-predict/small", json=records, timeout=30).json()
    answer = client_of(server, signature_version=UNSIGNED).invoke_endpoint(
        EndpointName="small", ContentType="text/csv", Accept="text/csv", Body=CSV, CustomAttributes="trace=7"
    )
    assert (answer["ContentType"], answer["CustomAttributes"]) == ("text/csv", "trace=7")
    lines = answer["Body"].read().decode().splitlines()
    assert list(map(float, lines)) == [row["churn_probability"] for row in own["predictions"]]


def test_key_with_the_signature(server, make_key, monkeypatch):
    """A key in X-API-Key counts, although the client signs its requests in Authorization."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    client = client_of(server)
    key = make_key("predict")
    client.meta.events.register("before-sign.*", lambda request, **_: request.headers.add_header("X-API-Key", key))
    answer = client.invoke_endpoint(EndpointName="small", ContentType="text/csv", Body=CSV)
    assert len(json.load(answer["Body"])["predictions"]) == len(TABLE)


def test_errors(server):
    """The client's exception has the code, and words that name the column."""
    with pytest.raises(ClientError, match="tenure") as caught:
        client_of(server, signature_version=UNSIGNED).invoke_endpoint(
            EndpointName="small", ContentType="application/json", Body=json.dumps({"instances": [{"tenure": "five"}]})
        )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Code"] == "validation-failed"
