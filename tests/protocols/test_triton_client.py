"""NVIDIA's own client of the Open Inference Protocol, unmodified."""

import numpy as np
import pytest
import requests
from conftest import make_all_live
from inference_bodies import DTYPES, records
from sklearn.datasets import load_iris
from tensor_graphs import iris_classifier

from churn_api.store.database import Database

triton = pytest.importorskip("tritonclient.http", reason="tritonclient is not installed: `make test-clients`")


@pytest.fixture
def server(serve, models_dir):
    with serve(models_dir, workers=1) as server:
        yield server


@pytest.fixture
def client(server):
    return triton.InferenceServerClient(server.url.removeprefix("http://"))


def inputs(client, *, binary, **changes):
    """An input of the client's for each of the model's; gaps as this client can send them."""
    made = []
    for entry in client.get_model_metadata("small")["inputs"]:
        name, datatype = entry["name"], entry["datatype"]
        gap = "" if datatype == "BYTES" else np.nan
        values = changes.get(name, [record.get(name, gap) for record in records()])
        array = np.array(values, object if datatype == "BYTES" else DTYPES[datatype])
        tensor = triton.InferInput(name, array.shape, datatype)
        made.append(tensor.set_data_from_numpy(array, binary_data=binary))
    return made


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_triton_client(server, client, binary, compression):
    """The client finds server and model ready, and reads the doubles of /api/v1 in either form, compressed or not."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("small")
    answer = requests.post(f"{server.url}/api/v1/batch-predict/small", json={"customers": records()}, timeout=30).json()
    result = client.infer(
        "small", inputs(client, binary=binary), request_compression_algorithm=compression, request_id="ü 1"
    )
    expected = [row["churn_probability"] for row in answer["predictions"]]
    assert result.as_numpy("churn_probability").tolist() == expected
    assert result.get_response()["id"] == "ü 1"


def test_errors_in_triton_client(client):
    """The client raises its own exception, with the status and words that name the input."""
    with pytest.raises(triton.InferenceServerException) as caught:
        client.infer("small", inputs(client, binary=True, Contract=["One yaer"] * 5))
    assert caught.value.status() == "400"
    assert "Contract" in caught.value.message()
    assert "Did you mean 'One year'?" in caught.value.message()
    assert not client.is_model_ready("nope")


@pytest.mark.parametrize("binary", [False, True])
def test_tensor_model_in_triton_client(serve, tensor_models_dir, instance, binary):
    """The client reads the metadata of a tensor model, sends a matrix, and gets labels and probabilities as arrays."""
    make_all_live(tensor_models_dir, Database(f"sqlite:///{instance / 'churn.db'}"))
    rows = load_iris().data.astype(np.float32)
    with serve(tensor_models_dir, workers=1) as server:
        client = triton.InferenceServerClient(server.url.removeprefix("http://"))
        (entry,) = client.get_model_metadata("iris")["inputs"]
        tensor = triton.InferInput(entry["name"], rows.shape, entry["datatype"])
        result = client.infer("iris", [tensor.set_data_from_numpy(rows, binary_data=binary)])
        with pytest.raises(triton.InferenceServerException) as caught:
            client.infer("iris", [triton.InferInput("X", [1, 3], "FP32").set_data_from_numpy(rows[:1, :3])])
    assert result.as_numpy("output_label").tolist() == iris_classifier().predict(rows).tolist()
    assert np.allclose(result.as_numpy("output_probability"), iris_classifier().predict_proba(rows), atol=1e-5)
    assert (caught.value.status(), "[any, 4]" in caught.value.message()) == ("400", True)
