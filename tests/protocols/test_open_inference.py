"""The Open Inference Protocol, version 2, by its routes."""

import gzip
import json
import zlib

import pytest
from inference_bodies import body, inputs_of, outputs_of, packed, records, tensor

from churn_api import __version__

INFER = "/v2/models/small/infer"


@pytest.fixture
def metadata(client):
    return client.get("/v2/models/small").json


@pytest.fixture
def inputs(metadata):
    return inputs_of(records(), metadata["inputs"])


@pytest.fixture
def expected(client):
    answer = client.post("/api/v1/batch-predict/small", json={"customers": records()}).json
    return [row["churn_probability"] for row in answer["predictions"]]


def infer(client, inputs, url=INFER, binary=False, encoding=None, **members):
    data, headers = body(inputs, binary=binary, **members)
    return send(client, data, headers, url, encoding)


def send(client, data, headers, url=INFER, encoding=None):
    data = data.encode() if isinstance(data, str) else data
    if encoding:
        data = {"gzip": gzip.compress, "deflate": zlib.compress}[encoding](data)
        headers = headers | {"Content-Encoding": encoding}
    return client.post(url, data=data, headers=headers)


def outputs(response):
    assert response.status_code == 200, response.text
    return outputs_of(response.data, response.headers.get("Inference-Header-Content-Length"))


def error_of(response, status=400):
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json")
    assert isinstance(response.json["error"], str)
    assert {"code", "request_id"} <= response.json.keys()
    return response.json


def test_server(client):
    """The server says its name, its version and that it takes binary tensors, and that it is alive and ready."""
    assert client.get("/v2").json == {"name": "churn-api", "version": __version__, "extensions": ["binary_tensor_data"]}
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True, "live": True}


def test_probes_need_no_key(app):
    """A caller without a key learns whether the server and a model are ready."""
    client = app.test_client()
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/small/ready"):
        assert client.get(path, headers={"X-API-Key": ""}).status_code == 200


def test_metadata(client, metadata):
    """A model's inputs are its features in order, and its outputs the columns of a prediction."""
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("small", ["1", "2"], "onnx_onnxv1")
    signature = client.get("/api/v1/models/small").json["signature"]
    assert [entry["name"] for entry in metadata["inputs"]] == [feature["name"] for feature in signature["features"]]
    datatypes = {entry["name"]: entry["datatype"] for entry in metadata["inputs"]}
    assert datatypes == {
        "tenure": "INT64",
        "MonthlyCharges": "FP64",
        "Partner": "BOOL",
        "Contract": "BYTES",
        "Region": "BYTES",
    }
    assert [entry["shape"] for entry in metadata["inputs"] + metadata["outputs"]] == [[-1]] * 8
    assert [(entry["name"], entry["datatype"]) for entry in metadata["outputs"]] == [
        ("churn_probability", "FP64"),
        ("churn_prediction", "INT64"),
        ("risk_band", "BYTES"),
    ]
    assert client.get("/v2/models/small/versions/1").json["name"] == "small"
    assert client.get("/v2/models/small/versions/1/ready").json == {"name": "small", "ready": True}


@pytest.mark.parametrize("path", ["", "/versions/9", "/ready", "/versions/9/ready"])
def test_what_is_not_there(client, path):
    """An unknown model or version is a 404 with an error, by metadata and by readiness."""
    error_of(client.get(f"/v2/models/{'small' if '9' in path else 'nope'}{path}"), 404)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("binary_output", [False, True])
def test_same_double(client, inputs, expected, binary, column, binary_output):
    """Records as tensors, in JSON or binary, flat or as a column, get the doubles of /api/v1, gaps included."""
    if column:
        inputs = [entry | {"shape": [len(entry["data"]), 1]} for entry in inputs]
    response = infer(client, inputs, binary=binary, parameters={"binary_data_output": binary_output})
    assert list(outputs(response)) == ["churn_probability", "churn_prediction", "risk_band"]
    assert outputs(response)["churn_probability"] == expected
    answer = json.loads(response.data[: int(response.headers.get("Inference-Header-Content-Length", 10**6))])
    assert (answer["model_name"], answer["model_version"]) == ("small", "2")
    kind = "application/octet-stream" if binary_output else "application/json"
    assert response.headers["Content-Type"] == kind
    assert response.headers["Churn-Model"] == "small"
    assert response.headers["Churn-Model-Version"] == "2"


def test_a_version(client, inputs):
    """A version in the path answers, and says so."""
    one, two = (infer(client, inputs, f"/v2/models/small/versions/{version}/infer") for version in "12")
    assert (one.json["model_version"], two.json["model_version"]) == ("1", "2")
    assert outputs(one) != outputs(two)
    error_of(infer(client, inputs, "/v2/models/small/versions/9/infer"), 404)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed(client, inputs, expected, binary, encoding):
    """A compressed body is read as it is without compression; cut short, it is an error."""
    assert outputs(infer(client, inputs, binary=binary, encoding=encoding))["churn_probability"] == expected
    data, headers = body(inputs, binary=binary)
    data = gzip.compress(data if binary else data.encode())[:-4]
    error_of(client.post(INFER, data=data, headers=headers | {"Content-Encoding": "gzip"}))


def test_a_bomb(client):
    """A body that decompresses to more than a body may have is too large."""
    data = gzip.compress(bytes(11 * 1024 * 1024))
    error_of(client.post(INFER, data=data, headers={"Content-Encoding": "gzip"}), 413)


def test_another_encoding(client):
    """A body in another encoding is a 415 that names those that are read."""
    assert "gzip, deflate" in error_of(client.post(INFER, data=b"x", headers={"Content-Encoding": "br"}), 415)["error"]


def test_types_that_clients_send(client, metadata, expected):
    """Widths of numbers, booleans as numbers and labels as texts are read by the feature, and give the same doubles."""
    plain = [record | {"MonthlyCharges": 50.5} for record in records()]
    inputs = {entry["name"]: entry for entry in inputs_of(plain, metadata["inputs"])}
    (want,) = {tuple(outputs(infer(client, [*inputs.values()]))["churn_probability"])}
    for name, datatypes in {
        "tenure": ("INT32", "INT16", "UINT8", "FP32", "FP64"),
        "MonthlyCharges": ("FP32",),
        "Partner": ("INT64", "UINT8", "FP64"),
    }.items():
        for datatype in datatypes:
            changed = [*(inputs | {name: inputs[name] | {"datatype": datatype}}).values()]
            for binary in (False, True):
                result = outputs(infer(client, changed, binary=binary))
                assert tuple(result["churn_probability"]) == want, (name, datatype, binary)
    labels = tensor("Partner", ["Yes" if value else "No" for value in inputs["Partner"]["data"]], "BYTES")
    changed = [*(inputs | {"Partner": labels}).values()]
    assert tuple(outputs(infer(client, changed, binary=True))["churn_probability"]) == want


@pytest.mark.parametrize("name", ["customer_id", "customerID"])
@pytest.mark.parametrize("binary", [False, True])
def test_identifiers(client, inputs, expected, name, binary):
    """Identifiers come back first, as texts, under one name; a record without one has the empty text."""
    sent = [*inputs, tensor(name, ["a", "", "c", "ü", "e"], "BYTES")]
    result = outputs(infer(client, sent, binary=binary))
    assert next(iter(result)) == "customer_id"
    assert result["customer_id"] == ["a", "", "c", "ü", "e"]
    assert result["churn_probability"] == expected


def test_identifiers_that_are_numbers(client, inputs):
    """An identifier that is a number comes back as its digits, since the elements of an output have one type."""
    sent = [*inputs, tensor("customer_id", [7.0, 8, "9", None, 2**62], "BYTES")]
    assert outputs(infer(client, sent))["customer_id"] == ["7", "8", "9", "", str(2**62)]


def test_outputs_asked_for(client, inputs):
    """Only the outputs asked for come, in that order, each in the form asked for."""
    asked = [
        {"name": "risk_band", "parameters": {"binary_data": True}},
        {"name": "churn_probability", "parameters": {"binary_data": False}},
        {"name": "churn_prediction"},
    ]
    response = infer(client, inputs, outputs=asked, parameters={"binary_data_output": True})
    assert list(outputs(response)) == ["risk_band", "churn_probability", "churn_prediction"]
    answer = json.loads(response.data[: int(response.headers["Inference-Header-Content-Length"])])
    assert ["data" in output for output in answer["outputs"]] == [False, True, False]


def test_id(client, inputs):
    """The id of a request comes back as it was sent, whatever its characters; one is made where none was sent."""
    assert infer(client, inputs, id="id 42 äö").json["id"] == "id 42 äö"
    response = infer(client, inputs)
    assert response.json["id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(("threshold", "prediction"), [(0, 1), (1.0, 0)])
def test_threshold(client, inputs, expected, threshold, prediction):
    """The parameter `threshold` moves predictions alone; parameters of other systems change nothing."""
    ignored = {"timeout": 5, "priority": 1, "content_type": "pd", "headers": {}}
    result = outputs(infer(client, inputs, parameters={"threshold": threshold} | ignored))
    assert set(result["churn_prediction"]) == {prediction}
    assert result["churn_probability"] == expected


@pytest.mark.parametrize("threshold", [2, "0.5", [1], True])
def test_threshold_that_is_none(client, inputs, threshold):
    """A threshold that is no probability is a fault."""
    error = error_of(infer(client, inputs, parameters={"threshold": threshold}))
    assert [fault["pointer"] for fault in error["errors"]] == ["#/parameters/threshold"]


def test_nan_and_null_are_gaps(client, metadata):
    """The bare word NaN, null, and an optional input that is left out are gaps."""
    gaps = [{name: value for name, value in record.items() if name != "MonthlyCharges"} for record in records()]
    bare = inputs_of(gaps, metadata["inputs"])
    assert "NaN" in body(bare)[0]
    nulls = [entry | {"data": [None] * 5} if entry["name"] == "MonthlyCharges" else entry for entry in bare]
    left_out = [entry for entry in bare if entry["name"] != "MonthlyCharges"]
    (one, other, third) = (outputs(infer(client, sent)) for sent in (bare, nulls, left_out))
    assert one == other == third


def change(inputs, name, **members):
    return [entry | members if entry["name"] == name else entry for entry in inputs]


@pytest.mark.parametrize(
    ("changed", "pointer", "word"),
    [
        ({"name": "tenure", "data": [1, 2, 3, 4, 1.5]}, "#/inputs/0/data/4", "tenure"),
        ({"name": "Partner", "data": [1, 2, 0, 1, 7], "datatype": "INT64"}, "#/inputs/2/data/1", "Partner"),
        ({"name": "Contract", "data": ["One yaer"] * 5}, "#/inputs/3/data/0", "Contract"),
        ({"name": "tenure", "shape": [4]}, "#/inputs/0/shape", "tenure"),
        ({"name": "tenure", "shape": [5, 2]}, "#/inputs/0/shape", "tenure"),
        ({"name": "tenure", "shape": [5, 1, 1]}, "#/inputs/0/shape", "tenure"),
        ({"name": "tenure", "shape": [1], "data": [1]}, "#/inputs/0/shape", "tenure"),
        ({"name": "tenure", "datatype": "FP99"}, "#/inputs/0/datatype", "datatype"),
    ],
)
def test_faults_have_their_place(client, inputs, changed, pointer, word):
    """A fault has its place in the body that was sent, and the error's text names the input."""
    error = error_of(infer(client, change(inputs, **changed)))
    assert pointer in [fault["pointer"] for fault in error["errors"]]
    assert word in error["error"]


@pytest.mark.parametrize("binary", [False, True])
def test_inputs_that_are_wrong(client, inputs, binary):
    """A missing input, unknown ones and unknown outputs are named; the target is ignored."""
    assert "tenure" in error_of(infer(client, inputs[1:], binary=binary))["error"]
    error = error_of(infer(client, [*inputs, tensor("zz_top", [1] * 5, "INT64")], binary=binary))
    assert "zz_top" in error["error"]
    error = error_of(infer(client, [*inputs[:1], *inputs[2:], tensor("MonthlyCharge", [1] * 5, "FP64")]))
    assert "MonthlyCharges" in error["error"]
    assert "zz_out" in error_of(infer(client, inputs, outputs=[{"name": "zz_out"}], binary=binary))["error"]
    assert "customer_id" in error_of(infer(client, inputs, outputs=[{"name": "customer_id"}]))["error"]
    assert infer(client, [*inputs, tensor("Churn", ["Yes"] * 5, "BYTES")], binary=binary).status_code == 200


def test_rows(client, inputs, monkeypatch):
    """No rows are a fault; more rows than a batch may have are too large."""
    error_of(infer(client, [entry | {"data": [], "shape": [0]} for entry in inputs]))
    many = [entry | {"data": entry["data"] * 201, "shape": [1005]} for entry in inputs]
    for binary in (False, True):
        assert "1000" in error_of(infer(client, many, binary=binary), 413)["error"].replace(",", "")


@pytest.mark.parametrize("length", [None, "0", "x", "-5", "+5", "1_0", "²", "99999", str(10**30), ""])
def test_lengths_of_the_json(client, inputs, length):
    """The header that says how long the JSON is must be a length within the body."""
    data, headers = body(inputs, binary=True)
    wrong = {} if length is None else {"Inference-Header-Content-Length": length}
    error_of(send(client, data, wrong))
    assert send(client, data, headers | {"Content-Type": "application/json"}).status_code == 200


def test_bytes_around_binary_tensors(client, inputs):
    """A binary body with bytes missing, left over or moved is an error."""
    data, headers = body(inputs, binary=True)
    size = int(headers["Inference-Header-Content-Length"])
    for sent, length in (
        (data[:-3], size),
        (data + b"x", size),
        (data, size - 2),
        (data, size + 1),
        (data[:size], size),
    ):
        error_of(send(client, sent, {"Inference-Header-Content-Length": str(length)}))


def test_half_of_them_binary(client, inputs, expected):
    """Binary inputs and inputs in JSON may be mixed, in any order."""
    mixed = [packed(entry) if number % 2 else (entry, b"") for number, entry in enumerate(reversed(inputs))]
    text = json.dumps({"inputs": [head for head, _ in mixed]}).encode()
    data = b"".join((text, *(part for _, part in mixed)))
    response = send(client, data, {"Inference-Header-Content-Length": str(len(text))})
    assert outputs(response)["churn_probability"] == expected


@pytest.mark.parametrize(
    "data", ["{", "[]", "null", "", "7", '"x"', "\xff", "{}", '{"id": "1"}', '{"inputs": {}}', "[" * 5000]
)
def test_bodies_that_are_none(client, data):
    """A body that is no request is an error in the protocol's form."""
    error_of(client.post(INFER, data=data.encode("latin-1"), content_type="application/json"))


def test_access(app, make_key, inputs):
    """Without a key that may predict there is an error in the protocol's form; a password may be the key."""
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key("ops", name="ops")
    error_of(infer(client, inputs), 403)
    client.environ_base["HTTP_X_API_KEY"] = "churn_nonsense"
    error_of(infer(client, inputs), 401)


def test_methods(client):
    """Another method is a 405 that names the right one."""
    response = client.get(INFER)
    assert (response.status_code, response.headers["Allow"]) == (405, "OPTIONS, POST")
