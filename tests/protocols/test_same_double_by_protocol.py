"""The same 200 records give the same doubles by every protocol, format, client and the Python API: difference 0."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import customers
from inference_bodies import body, inputs_of, outputs_of, tensor

import churn_api
from churn_api.app import create_app
from churn_api.web.core.in_process_api import close
from churn_client import Client

ROWS = 200
VERSION = "2"
"""The live one of `small`."""
TABLE = customers(ROWS, seed=21).drop(columns="Churn")
NAMES = [name for name in TABLE.columns if name != "customerID"]
RECORDS = [
    {name: value for name, value in row.items() if not pd.isna(value)}
    for row in TABLE.assign(Partner=TABLE["Partner"] == "Yes").to_dict("records")
]
LISTED = [[record.get(name) for name in NAMES] for record in RECORDS]
SPLIT = json.loads(TABLE.to_json(orient="split"))


@pytest.fixture(scope="module")
def expected(models_dir):
    """The doubles of each record alone, by the Python API."""
    predictor = churn_api.load(models_dir / "small" / VERSION)
    return [predictor.predict(record).probability for record in RECORDS]


@pytest.fixture
def client(models_dir):
    """A client of an application whose default model is `small`."""
    routes = {"AIP_HEALTH_ROUTE": "/aip/health", "AIP_PREDICT_ROUTE": "/aip/predict"}
    app = create_app({"MODELS_DIR": str(models_dir), "DEFAULT_MODEL": "small", "TESTING": True} | routes)
    yield app.test_client()
    close(app)


def in_json(answer):
    return [row["churn_probability"] for row in answer["predictions"]]


JSON_BODIES = {
    "/api/v1/batch-predict": {"customers": RECORDS},
    "/invocations": {"dataframe_split": SPLIT},
    "/invocations by records": {"dataframe_records": RECORDS},
    "/invocations by columns": {"inputs": {name: TABLE[name].replace({np.nan: None}).tolist() for name in NAMES}},
    "/serving-endpoints/small/invocations": {"dataframe_split": SPLIT},
    "/endpoints/small/invocations": {"instances": LISTED},
    "/v1/models/small:predict": {"instances": RECORDS},
    "/v1/models/small:predict by rows": {"instances": LISTED},
    "/v1/models/small:explain": {"instances": RECORDS},
    "/v1/projects/p/locations/l/endpoints/small:predict": {"instances": RECORDS},
    "/aip/predict": {"instances": RECORDS},
    "/score": {"input_data": SPLIT},
    "/score by instances": {"instances": RECORDS},
}


@pytest.mark.parametrize("route", JSON_BODIES)
def test_records_in_json(client, expected, route):
    """By every route that takes JSON, as objects, rows, columns and DataFrames."""
    response = client.post(route.partition(" ")[0], json=JSON_BODIES[route])
    assert response.status_code == 200, response.text
    assert in_json(response.json) == expected


def test_older_addresses(client, expected):
    """By the older addresses too."""
    answer = client.post("/predict", json={"customers": RECORDS}).json
    assert answer["probabilities"] == expected


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("binary_output", [False, True])
@pytest.mark.parametrize("numbers", ["FP64", "FP32"])
def test_records_in_tensors(client, expected, binary, binary_output, numbers):
    """By the Open Inference Protocol in JSON and binary tensors, with doubles, and with decimals in FP32."""
    inputs = inputs_of(RECORDS, client.get("/v2/models/small").json["inputs"])
    for entry in inputs:
        if entry["datatype"] == "FP64":
            entry["datatype"] = numbers
            entry["data"] = np.array(entry["data"], {"FP64": "f8", "FP32": "f4"}[numbers]).astype(float).tolist()
    sent = [*inputs, tensor("customerID", TABLE["customerID"].tolist(), "BYTES")]
    data, headers = body(sent, binary=binary, parameters={"binary_data_output": binary_output})
    response = client.post("/v2/models/small/infer", data=data, headers=headers)
    assert response.status_code == 200, response.text
    outputs = outputs_of(response.data, response.headers.get("Inference-Header-Content-Length"))
    assert outputs["churn_probability"] == expected
    assert outputs["customer_id"] == TABLE["customerID"].tolist()


def as_parquet():
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(TABLE, preserve_index=False), sink)
    return sink.getvalue()


TABLES = {"text/csv": lambda: TABLE.to_csv(index=False).encode(), "application/vnd.apache.parquet": as_parquet}


@pytest.mark.parametrize("kind", TABLES)
def test_records_in_tables(client, expected, kind):
    """As a table by /api/v1 and by `/invocations`, whose CSV has one probability in a line."""
    own = client.post(
        "/api/v1/batch-predict", data=TABLES[kind](), content_type=kind, headers={"Accept": "text/csv"}, buffered=True
    )
    assert [float(row["churn_probability"]) for row in csv.DictReader(io.StringIO(own.text))] == expected
    assert in_json(client.post("/invocations", data=TABLES[kind](), content_type=kind).json) == expected
    lines = client.post("/invocations", data=TABLES[kind](), content_type=kind, headers={"Accept": "text/csv"})
    assert [float(line) for line in lines.text.splitlines()] == expected


def test_python(models_dir, expected):
    """In Python, many at once, from records and from a DataFrame."""
    predictor = churn_api.load(models_dir / "small" / VERSION)
    assert [prediction.probability for prediction in predictor.predict_many(RECORDS)] == expected
    assert predictor.predict_many(TABLE)["churn_probability"].tolist() == expected


def test_typed_client(serve, models_dir, expected):
    """By the typed client, from records and from a DataFrame."""
    with serve(models_dir, workers=1) as server, Client(server.url) as client:
        predictions = client.predict_many(RECORDS, model="small")
        assert [prediction.churn_probability for prediction in predictions] == expected
        assert client.predict_many(TABLE, model="small")["churn_probability"].tolist() == expected
