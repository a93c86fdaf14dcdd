"""The OpenAPI document: valid, complete, true to the service, and with examples that work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from churn_api.access.caller import SCOPES
from churn_api.web.core.problems import KINDS


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def test_valid(document):
    """The document is valid OpenAPI 3."""
    validate(document)
    assert document["openapi"].startswith("3.")


def test_every_route_is_described(app, document):
    """Every route that a client may call is in the document, but for the pages that show it."""
    pages = {"docs.page", "docs.asset", "docs.openapi", "docs.static"}
    described = {endpoint for endpoint, operation in app.operations.items() if operation.tag is not None}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - described == pages
    for model in ("default", "odd", "small"):
        assert {f"/api/v1/predict/{model}", f"/api/v1/batch-predict/{model}"} <= set(document["paths"])


def test_components_are_the_models_own(document):
    """A record's component says what the model's schema enforces."""
    record = document["components"]["schemas"]["Record_default"]
    assert set(record["required"]) == {"age", "tenure", "monthly_charges"}
    assert record["additionalProperties"] is False
    assert set(record["properties"]["contract"]["enum"]) == {"Month-to-month", "One year", "Two year", None}
    assert record["properties"]["paperless_billing"]["type"] == ["boolean", "null"]
    odd = document["components"]["schemas"]["Record_odd"]
    assert {"Day Mins", "VMail Plan", "churn ", 'say "hi"/é'} <= set(odd["properties"])


def test_every_example_works(client, document):
    """Every example of the document is answered with 200 when it is sent as it stands."""
    sent = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for place in operation.get("parameters", []):
                path = path.replace("{model}", str(place.get("example")))  # noqa: PLW2901
            needs = ("/api/v1/models", "/api/v1/token", "/api/v1/jobs")
            if method in ("put", "delete") or "{job}" in path or (path in needs and method == "post"):
                continue  # what they change, or need, is not in an example
            bodies = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
            for example in bodies.values() or [{"value": None}]:
                response = client.open(path, method=method.upper(), json=example["value"])
                assert response.status_code == 200, (path, response.text)
                sent += 1
    assert sent == 22


def test_every_problem_status_is_described(document):
    """Each prediction route describes every status of the contract's table that it can answer."""
    responses = document["paths"]["/api/v1/predict"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "403", "404", "406", "413", "415", "422", "429", "500", "503"}
    for status, response in responses.items():
        if status != "200":
            assert list(response["content"]) == ["application/problem+json"]
            assert any(kind.status == int(status) for kind in KINDS.values())


def test_server_is_where_it_is_mounted(client):
    """The document's server is the place where the application is mounted."""
    assert client.get("/openapi.json").json["servers"] == [{"url": "/"}]
    mounted = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/churn"}).json
    assert mounted["servers"] == [{"url": "/churn"}]


@pytest.fixture
def one_version(models_dir, tmp_path):
    """The models without older versions: the document tells the live version's fields, and `version` pins another's."""
    return shutil.copytree(models_dir, tmp_path / "models", ignore=lambda folder, names: {"1"} if "2" in names else {})


def test_schemathesis_finds_nothing(serve, one_version, tmp_path, make_key):
    """Requests made from the document, valid and not, are answered as the document says."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "--no-color", "--max-examples=25"]
    command.append("--suppress-health-check=all")  # the hooks leave out much, and machines may be slow
    command.append("--exclude-checks=use_after_free")  # DELETE unloads a model, and leaves it in the list
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parent)}
    with serve(one_version) as server:
        options = [
            "-H",
            f"X-API-Key: {make_key(*SCOPES)}",
            "--seed=1",
            "--generation-deterministic",
            f"{server.url}/openapi.json",
        ]
        done = subprocess.run(command + options, cwd=tmp_path, env=hooks, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "Failures" not in done.stdout
    assert "Tested: 27" in done.stdout
