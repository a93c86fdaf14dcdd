"""Tensor models by the Open Inference Protocol: metadata, JSON and binary tensors, faults."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_iris
from tensor_graphs import iris_classifier, loop_graph, package, shape_graph

from churn_api.app import create_app
from churn_api.registry import tensor_model
from churn_api.scoring import run_limit
from churn_api.web.core.in_process_api import close
from churn_api.web.protocols.shared.tensor_datatypes import read_binary, write_binary

INFER = "/v2/models/iris/infer"
ROW = [5.1, 3.5, 1.4, 0.2]
IRIS = {"name": "X", "shape": [1, 4], "datatype": "FP32", "data": ROW}


def infer(client, *inputs, address=INFER, **members):
    return client.post(address, json={"inputs": inputs} | members)


def outputs(answer):
    assert answer.status_code == 200, answer.json
    return {output["name"]: output for output in answer.json["outputs"]}


def test_metadata(tensor_client):
    """The metadata of a model has its tensors as the graph has them."""
    shown = tensor_client.get("/v2/models/iris").json
    assert shown["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 4]}]
    assert shown["outputs"] == [
        {"name": "output_label", "datatype": "INT64", "shape": [-1]},
        {"name": "output_probability", "datatype": "FP32", "shape": [-1, 3]},
    ]
    assert (shown["name"], shown["versions"], shown["platform"]) == ("iris", ["1"], "onnx_onnxv1")
    assert tensor_client.get("/v2/models/iris/ready").json == {"name": "iris", "ready": True}


def test_json(tensor_client):
    """A row in JSON gets all outputs, or those that are asked for, with their shapes."""
    answer = infer(tensor_client, IRIS, id="mine")
    assert (answer.json["model_name"], answer.json["model_version"], answer.json["id"]) == ("iris", "1", "mine")
    found = outputs(answer)
    assert found["output_label"] == {"name": "output_label", "datatype": "INT64", "shape": [1], "data": [0]}
    assert found["output_probability"]["shape"] == [1, 3]
    assert found["output_probability"]["data"] == pytest.approx(iris_classifier().predict_proba([ROW])[0], abs=1e-6)
    assert list(outputs(infer(tensor_client, IRIS, outputs=[{"name": "output_label"}]))) == ["output_label"]


def test_binary(tensor_client):
    """Binary tensors of many rows get binary tensors, with the same values as by the address of features."""
    rows = load_iris().data.astype(np.float32)
    head = json.dumps(
        {
            "inputs": [
                {"name": "X", "shape": rows.shape, "datatype": "FP32", "parameters": {"binary_data_size": rows.nbytes}}
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    sent = {"Inference-Header-Content-Length": str(len(head))}
    answer = tensor_client.post(INFER, data=head + write_binary("FP32", rows), headers=sent)
    assert answer.status_code == 200, answer.json
    size = int(answer.headers["Inference-Header-Content-Length"])
    parts, rest = {}, answer.data[size:]
    for output in json.loads(answer.data[:size])["outputs"]:
        length = output["parameters"]["binary_data_size"]
        flat = read_binary(output["datatype"], rest[:length], int(np.prod(output["shape"])))
        parts[output["name"]], rest = np.asarray(flat).reshape(output["shape"]), rest[length:]
    assert parts["output_label"].tolist() == iris_classifier().predict(load_iris().data).tolist()
    one = tensor_client.post("/api/v1/predict/iris", json={"features": rows[0].tolist()}).json
    assert one["probabilities"] == pytest.approx(parts["output_probability"][0].tolist(), abs=1e-6)


def test_many_inputs(tensor_client):
    """Several inputs of different types are sent together, and texts come back as texts."""
    two = {"shape": [2, 2], "datatype": "FP64"}
    names = {"name": "names", "shape": [2], "datatype": "BYTES", "data": ["é", ""]}
    sent = ({"name": "left", "data": [[1, 2], [3, 4]], **two}, {"name": "right", "data": [1, 1, 1, 1], **two}, names)
    found = outputs(infer(tensor_client, *sent, address="/v2/models/sum/versions/1/infer"))
    assert found["sum"]["data"] == [2, 3, 4, 5]
    assert found["same_names"]["data"] == ["é", ""]


FAULTS = {
    "another input": [IRIS | {"name": "Y"}],
    "none": [],
    "twice": [IRIS, IRIS],
    "another type": [IRIS | {"datatype": "FP64"}],
    "another shape": [IRIS | {"shape": [4, 1]}],
    "no rows": [IRIS | {"shape": [0, 4], "data": []}],
    "too few": [IRIS | {"data": [1, 2, 3]}],
    "a word": [IRIS | {"data": [1, 2, 3, "4"]}],
    "beyond float32": [IRIS | {"data": [1, 2, 3, 1e39]}],
    "more dimensions": [IRIS | {"shape": [1, 4, 1]}],
    "not a number": [IRIS | {"shape": ["1", 4]}],
}


@pytest.mark.parametrize("what", FAULTS)
def test_faults(tensor_client, what):
    """What does not fit is a 400 in the protocol's form, with the places of all faults."""
    answer = infer(tensor_client, *FAULTS[what])
    assert (answer.status_code, answer.json["code"]) == (400, "validation-failed")
    assert answer.json["error"]
    assert all(fault["pointer"].startswith("#/inputs") for fault in answer.json["errors"])


def test_unknown_output(tensor_client):
    """An output that the graph does not have is a 400 that names it."""
    answer = infer(tensor_client, IRIS, outputs=[{"name": "output_lable"}])
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (400, "#/outputs/0/name")


def test_too_many_rows(tensor_client):
    """More rows than a batch may have are a 413."""
    answer = infer(tensor_client, IRIS | {"shape": [1001, 4], "data": [0] * 4004})
    assert (answer.status_code, answer.json["code"]) == (413, "too-large")


def test_a_gap(tensor_client):
    """An output that is not a number cannot be JSON, and the answer says what to ask for."""
    answer = infer(tensor_client, IRIS | {"data": [None, 1, 2, 3]})
    assert (answer.status_code, answer.json["code"]) == (400, "not-computable")
    assert "ask for binary data" in answer.json["error"]


@pytest.fixture
def hostile(tmp_path, instance, make_key):
    """A client of graphs whose inputs say how much memory and time they take."""
    from conftest import make_all_live

    from churn_api.store.database import Database

    package(tmp_path / "models", shape_graph(), "ones")
    package(tmp_path / "models", loop_graph(), "loop")
    make_all_live(tmp_path / "models", Database(f"sqlite:///{instance / 'churn.db'}"))
    app = create_app({"MODELS_DIR": str(tmp_path / "models"), "TESTING": True})
    yield app.test_client()
    close(app)


def test_too_much_memory(hostile):
    """Eight bytes that ask for four gigabytes are a 400, and the next request is answered."""
    size = {"name": "size", "shape": [1], "datatype": "INT64", "data": [1 << 30]}
    answer = infer(hostile, size, address="/v2/models/ones/infer")
    assert (answer.status_code, answer.json["code"]) == (400, "not-computable")
    assert outputs(infer(hostile, size | {"data": [7]}, address="/v2/models/ones/infer"))["sum"]["data"] == [7]


def test_too_much_time(hostile, monkeypatch):
    """A run that takes longer than it may is a 504, and the next request is answered."""
    monkeypatch.setattr(run_limit, "MAX_SECONDS", 0.3)
    rounds = {"name": "rounds", "shape": [], "datatype": "INT64", "data": [1 << 60]}
    answer = infer(hostile, rounds, address="/v2/models/loop/infer")
    assert (answer.status_code, answer.json["code"]) == (504, "gateway-timeout")
    assert outputs(infer(hostile, rounds | {"data": [3]}, address="/v2/models/loop/infer"))["powers"]["data"] == [8]


def test_in_parts(tensor_client, monkeypatch):
    """A batch that is computed in parts has all its rows, in their order."""
    rows = load_iris().data
    sent = IRIS | {"shape": list(rows.shape), "data": rows.tolist()}
    at_once = outputs(infer(tensor_client, sent))
    monkeypatch.setattr(tensor_model, "VALUES_AT_ONCE", 4 * 7)
    in_parts = outputs(infer(tensor_client, sent))
    assert in_parts["output_label"] == at_once["output_label"]
    assert in_parts["output_probability"]["data"] == pytest.approx(at_once["output_probability"]["data"], abs=1e-6)


def test_counted(tensor_client):
    """Rows by the protocol are counted by model, with the others."""
    infer(tensor_client, IRIS | {"shape": [2, 4], "data": ROW * 2}).close()
    assert 'model_predictions_total{model="iris",outcome="computed",version="1"} 2.0' in (
        tensor_client.get("/api/v1/metrics").text
    )
