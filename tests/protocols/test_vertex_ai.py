"""Vertex AI: the routes of a container, and the address of Google's own client."""

import pytest
from inference_bodies import records

from churn_api.app import create_app
from churn_api.config import ConfigError
from churn_api.web.core.in_process_api import close

ENDPOINT = "/v1/projects/p/locations/l/endpoints/{}:predict"


@pytest.fixture
def container(models_dir):
    """A client of an application in a container of Vertex AI."""
    routes = {"AIP_HEALTH_ROUTE": "/a/health", "AIP_PREDICT_ROUTE": "/a/small:predict"}
    app = create_app({"MODELS_DIR": str(models_dir), "DEFAULT_MODEL": "small", "TESTING": True} | routes)
    yield app.test_client()
    close(app)


def expected(client):
    answer = client.post("/api/v1/batch-predict/small", json={"customers": records()}).json
    return [row["churn_probability"] for row in answer["predictions"]]


def probabilities(response):
    assert response.status_code == 200, response.text
    return [prediction["churn_probability"] for prediction in response.json["predictions"]]


def test_routes_of_a_container(container):
    """The routes that the environment names answer for the default model, health without a key."""
    assert container.get("/a/health").status_code == 200
    response = container.post("/a/small:predict", json={"instances": records(), "parameters": None})
    assert probabilities(response) == expected(container)
    failed = container.post("/a/small:predict", json={"instances": []})
    assert (failed.status_code, isinstance(failed.json["error"], str)) == (400, True)


def test_no_routes_unless_named(client):
    """Without a container's environment there are no such routes."""
    assert client.get("/a/health").status_code == 404


def test_routes_that_exist(models_dir):
    """A route that the application has may be named, and stays as it is."""
    named = {"AIP_HEALTH_ROUTE": "/v1/models/small", "AIP_PREDICT_ROUTE": "/v1/models/small:predict"}
    app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True} | named)
    client = app.test_client()
    assert client.get("/v1/models/small").json["name"] == "small"
    assert client.post("/v1/models/small:predict", json={"instances": records()}).headers["Churn-Model"] == "small"
    close(app)


@pytest.mark.parametrize("route", ["predict", "/<model>", "/a b", "/a?b", "//", "/a/"])
def test_routes_that_are_none(route):
    """A route that is no plain path is refused at the start."""
    with pytest.raises(ConfigError, match="AIP_PREDICT_ROUTE"):
        create_app({"AIP_PREDICT_ROUTE": route})


def test_the_address_of_googles_client(client):
    """The endpoint is the name of a model; what the client asks of the form of JSON has no effect."""
    url = f"{ENDPOINT.format('small')}?%24alt=json%3Benum-encoding%3Dint"
    floats = [record | {"tenure": float(record["tenure"]), "Partner": float(record["Partner"])} for record in records()]
    assert probabilities(client.post(url, json={"instances": floats})) == expected(client)


@pytest.mark.parametrize(
    ("model", "body", "status", "name"),
    [
        ("small", {"instances": [{}]}, 400, "INVALID_ARGUMENT"),
        ("small", [], 400, "INVALID_ARGUMENT"),
        ("nope", {"instances": [{}]}, 404, "NOT_FOUND"),
    ],
)
def test_errors_of_googles_client(client, model, body, status, name):
    """Errors are objects with code, message and status, since Google's client reads nothing else."""
    response = client.post(ENDPOINT.format(model), json=body)
    assert response.status_code == status
    assert (response.json["error"]["code"], response.json["error"]["status"]) == (status, name)
    assert response.json["error"]["message"]
    assert {"code", "request_id"} <= response.json.keys()
