"""KServe's own client of both protocols, unmodified."""

import asyncio

import pytest
import requests
from inference_bodies import inputs_of, records

kserve = pytest.importorskip("kserve", reason="kserve is not installed: `make test-clients`")


@pytest.fixture
def server(serve, models_dir):
    with serve(models_dir, workers=1) as server:
        yield server


def client(protocol):
    return kserve.InferenceRESTClient(kserve.RESTConfig(protocol=protocol))


def own(server):
    answer = requests.post(f"{server.url}/api/v1/batch-predict/small", json={"customers": records()}, timeout=30).json()
    return [row["churn_probability"] for row in answer["predictions"]]


def test_kserve_client_v1(server):
    """By the first protocol the client finds the server alive and the model ready, and reads the doubles of /api/v1."""

    async def ask():
        async with client("v1") as v1:
            assert await v1.is_server_live(server.url)
            assert await v1.is_model_ready(server.url, "small")
            return await v1.infer(server.url, {"instances": records()}, model_name="small")

    answer = asyncio.run(ask())
    assert [prediction["churn_probability"] for prediction in answer["predictions"]] == own(server)


def test_kserve_client_v2(server):
    """By the second protocol as well."""
    metadata = requests.get(f"{server.url}/v2/models/small", timeout=30).json()
    sent = [kserve.InferInput(**entry) for entry in inputs_of(records(), metadata["inputs"])]

    async def ask():
        async with client("v2") as v2:
            assert await v2.is_server_ready(server.url)
            assert await v2.is_model_ready(server.url, "small")
            request = kserve.InferRequest(model_name="small", infer_inputs=sent)
            return await v2.infer(server.url, request, model_name="small")

    outputs = {output.name: output.data for output in asyncio.run(ask()).outputs}
    assert outputs["churn_probability"] == own(server)
