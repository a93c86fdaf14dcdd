"""Azure ML: `/score`, for the default model."""

import pytest
from inference_bodies import records

from churn_api.app import create_app
from churn_api.web.core.in_process_api import close


@pytest.fixture
def client(models_dir):
    """A client of an application whose default model is `small`."""
    app = create_app({"MODELS_DIR": str(models_dir), "DEFAULT_MODEL": "small", "TESTING": True})
    yield app.test_client()
    close(app)


def split():
    names = list(records()[0])
    return {"columns": names, "index": [*range(5)], "data": [[row.get(name) for name in names] for row in records()]}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": records(), "parameters": {"threshold": 0}},
        {"input_data": split(), "params": {"threshold": 0}},
        {"input_data": records(), "params": {"threshold": 0}},
    ],
)
def test_bodies(client, body):
    """Instances, and the data of MLflow's models as split or list, get the doubles of /api/v1; parameters apply."""
    answer = client.post("/api/v1/batch-predict", json={"customers": records()}).json
    response = client.post("/score", json=body, headers={"azureml-model-deployment": "blue"})
    assert response.status_code == 200, response.text
    result = response.json["predictions"]
    assert [row["churn_probability"] for row in result] == [row["churn_probability"] for row in answer["predictions"]]
    assert {row["churn_prediction"] for row in result} == {1}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (
            {"input_data": split() | {"data": [[1.5, *row[1:]] for row in split()["data"][:1]], "index": [0]}},
            "#/input_data/data/0/0",
        ),
        ({"input_data": [records()[0] | {"tenure": 1.5}]}, "#/input_data/0/tenure"),
        ({"instances": [records()[0] | {"tenure": 1.5}]}, "#/instances/0/tenure"),
        ({"input_data": 7}, "#/input_data"),
        ({}, "#"),
        ({"instances": [], "input_data": []}, "#"),
    ],
)
def test_faults(client, body, pointer):
    """Faults have their places, and the text is there under the names of Azure ML's server and of this one."""
    response = client.post("/score", json=body)
    assert response.status_code == 400
    assert response.json["error"] == response.json["message"] != ""
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]
