"""The OpenAPI document: valid, complete, true to the service, and with examples that work."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pytest
import requests
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from conftest import make_all_live
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from table_files import stream

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.config import ConfigError, load_settings
from churn_api.contract.json_schema import IDENTIFIER_SCHEMA, record_json_schema
from churn_api.contract.record_schema import identifier_names, record_schema
from churn_api.registry.bundle import read_card
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.tables.formats import MEDIA_TYPES
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
    pages = {"docs.page", "docs.asset", "docs.openapi", "docs.static", "redoc.page", "desk.asset"}
    described = {endpoint for endpoint, operation in app.operations.items() if operation.tag is not None}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - described == pages
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in described]
    assert {rule.replace("<", "{").replace(">", "}") for rule in rules} == set(document["paths"])
    named = document["paths"]["/api/v1/predict/{model}"]["post"]["parameters"][0]
    assert named["schema"]["enum"] == ["default", "odd", "small"]


def test_components_are_the_models_own(document):
    """A record's component equals what the model's schema enforces."""
    record = document["components"]["schemas"]["Record_default"]
    assert set(record["required"]) == {"age", "tenure", "monthly_charges"}
    assert record["additionalProperties"] is False
    assert set(record["properties"]["contract"]["enum"]) == {"Month-to-month", "One year", "Two year", None}
    assert record["properties"]["paperless_billing"]["enum"] == [True, False, "Yes", "No", None]
    odd = document["components"]["schemas"]["Record_odd"]
    assert {"Day Mins", "VMail Plan", "churn ", 'say "hi"/é'} <= set(odd["properties"])


def test_every_example_works(client, document):
    """Every example in the document, sent unchanged, gets a 200."""
    costs = {"offer": 10, "contact": 1, "value": 200, "success": 0.3}
    assert client.put("/api/v1/models/default/costs", json=costs).status_code == 200
    sent = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for place in operation.get("parameters", []):
                if place.get("name") != "job":
                    path = path.replace(f"{{{place.get('name')}}}", str(place.get("example", "any")))  # noqa: PLW2901
            needs = ("/api/v1/models", "/api/v1/models/load", "/api/v1/token", "/api/v1/jobs", "/api/v1/predict-async")
            needs += ("/api/v1/experiments", "/api/v1/outcomes/complete")
            made = "{job}" in path or "/experiments/" in path
            if method in ("put", "delete") or made or (path in needs and method == "post"):
                continue  # what they change, or need, is not in an example
            for body in sent_as(operation):
                with client.open(path, method=method.upper(), **body) as response:
                    assert response.status_code == 200, (path, response.text)
                sent += 1
    assert sent > 22


def sent_as(operation):
    """The examples of an operation's bodies, JSON and tables, as they are sent."""
    for media_type, content in operation.get("requestBody", {"content": {"": {}}})["content"].items():
        if media_type in ("", "application/json"):
            yield from (
                {"json": example["value"]} for example in content.get("examples", {"": {"value": None}}).values()
            )
        elif media_type != "multipart/form-data" and "example" in content:
            yield {"data": content["example"], "content_type": media_type}


WRITERS = {
    "`DataFrame.to_parquet`": lambda table, sink: table.to_parquet(sink),
    "`pyarrow.ipc.new_stream`": lambda table, sink: sink.write(stream(pa.Table.from_pandas(table))),
    "`DataFrame.to_excel(index=False)`": lambda table, sink: table.to_excel(sink, index=False),
}


def test_binary_bodies_are_described(client, document):
    """Binary formats have a description with their columns; a file made from the example is scored."""
    contents = document["paths"]["/api/v1/batch-predict"]["post"]["requestBody"]["content"]
    example = pd.read_csv(io.StringIO(contents["text/csv"]["example"]))
    descriptions = {kind: one["schema"]["description"] for kind, one in contents.items() if kind in MEDIA_TYPES}
    binary = {kind: text for kind, text in descriptions.items() if contents[kind]["schema"].get("format") == "binary"}
    assert len(binary) == len(WRITERS)
    for kind, text in binary.items():
        assert text.endswith(f", with the columns {', '.join(example)}.")
        write, sink = next(write for name, write in WRITERS.items() if name in text), io.BytesIO()
        write(example, sink)
        with client.post("/api/v1/batch-predict", data=sink.getvalue(), content_type=kind) as answer:
            assert answer.status_code == 200, (kind, answer.text)


def test_examples_are_what_their_schemas_say(document):
    """Every text body and response has an example that is valid under its schema; every binary one a description."""
    document["$id"] = "urn:document"
    registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(document))
    shown = 0
    for place, content in contents(document):
        examples = [content["example"]] if "example" in content else list(content.get("examples", {}).values())
        schema = content["schema"]
        assert examples or (schema.get("format") == "binary" and len(schema["description"]) > 40), place
        for example in examples:
            value = example
            if isinstance(example, dict) and "$ref" in example:
                value = document["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
            elif "examples" in content:
                value = example["value"]
            schema = {"$ref": f"urn:document#{place}/schema"}
            Draft202012Validator(schema, registry=registry).validate(value)
            shown += 1
    assert shown > 100


def contents(document):
    """Every content of a body or an answer, with a JSON Pointer to it."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            here = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
            holders = {f"{here}/requestBody": operation.get("requestBody", {})}
            holders |= {f"{here}/responses/{status}": answer for status, answer in operation["responses"].items()}
            for place, holder in holders.items():
                for media_type, content in holder.get("content", {}).items():
                    yield quote(f"{place}/content/{media_type.replace('/', '~1')}", safe="/~"), content


def test_records_are_what_the_schema_enforces(app, models_dir):
    """A record's schema is written straight from its signature, and says what the Marshmallow schema says."""
    converter = OpenAPIConverter("3.1.0", lambda schema: None, None)
    for card in (read_card(path.parent) for path in models_dir.glob("*/*/card.json")):
        enforced = converter.schema2jsonschema(record_schema(card.signature))
        enforced["required"] = sorted(enforced.get("required", []))
        written = {"required": []} | record_json_schema(card.signature, IDENTIFIER_SCHEMA)
        once = written.pop("not", None)
        assert written == enforced
        assert (once is not None) == (len(list(identifier_names(card.signature))) > 1)


def test_made_without_models(models_dir, tmp_path):
    """The document is built from cards only: it loads no model."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    client = create_app({"MODELS_DIR": str(models), "TESTING": True, "MAX_MODELS": 1}).test_client()
    for graph in models.glob("*/*/model.onnx"):
        graph.write_bytes(b"broken")
    document = client.get("/openapi.json").json
    assert {"Record_default", "Record_odd", "Record_small"} <= set(document["components"]["schemas"])


def test_kept_until_the_catalogue_changes(models_dir, tmp_path, client):
    """The document stays the same until another version is live, whatever happens to the files."""
    models = shutil.copytree(models_dir, tmp_path / "models")
    client = create_app({"MODELS_DIR": str(models), "TESTING": True, "MAX_MODELS": 1}).test_client()
    before = client.get("/openapi.json").data
    shutil.rmtree(models)
    assert client.get("/openapi.json").data == before
    assert client.get("/apispec_1.json").data == before


def test_grows_by_a_schema_a_model(models_dir, tmp_path):
    """One more model adds one schema to the document, and changes nothing else."""
    few, many = (shutil.copytree(models_dir, tmp_path / name) for name in ("few", "many"))
    for number in range(20):
        more = shutil.copytree(many / "odd" / "1", many / f"odd{number}" / "1")
        card = more / "card.json"
        card.write_text(card.read_text().replace('"name": "odd"', f'"name": "odd{number}"'))
    one, other = (document_of(models) for models in (few, many))
    added = set(other["components"]["schemas"]) - set(one["components"]["schemas"])
    assert added == {f"Record_odd{number}" for number in range(20)}
    assert set(one["paths"]) == set(other["paths"])
    schemas = sum(len(json.dumps(other["components"]["schemas"][name])) for name in added)
    assert len(json.dumps(other)) - len(json.dumps(one)) < 1.1 * schemas


def document_of(models):
    database = Services(load_settings()).database
    make_all_live(models, database)
    database.close()
    return create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client().get("/openapi.json").json


def test_operations_read_as_functions(document):
    """Every operation has a unique id that is a function name."""
    names = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z0-9]+)*", name) for name in names), names
    assert {"predict", "predictBatch", "predictWithModel", "createJob", "listJobs", "makeModelLive"} <= set(names)


def test_security(models_dir):
    """Public routes need no credentials; predictions may have none with AUTH=open."""
    for auth, predicting in (("open", [{}, {"key": []}, {"token": []}]), ("required", [{"key": []}, {"token": []}])):
        app = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "AUTH": auth})
        paths = app.test_client().get("/openapi.json").json["paths"]
        assert paths["/health/ready"]["get"]["security"] == []
        assert paths["/api/v1/predict"]["post"]["security"] == predicting
        assert paths["/api/v1/models"]["post"]["security"] == [{"key": []}, {"token": []}]


def test_answers_have_the_headers_that_are_described(client, document, models_dir, make_key):
    """Responses have exactly the headers that the document describes, in addition to HTTP's own."""
    costs = {"offer": 10, "contact": 1, "value": 200, "success": 0.3}
    assert client.put("/api/v1/models/default/costs", json=costs).status_code == 200
    limited = create_app({"MODELS_DIR": str(models_dir), "TESTING": True, "RATELIMIT_ENABLED": True}).test_client()
    key = {"X-API-Key": make_key(*SCOPES, name="limited")}
    table = document["paths"]["/api/v1/batch-predict"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    sent = {
        "/api/v1/batch-predict": limited.post("/api/v1/batch-predict", data=table, content_type="text/csv"),
        "/api/v1/jobs": limited.post("/api/v1/jobs", data={"file": (io.BytesIO(table.encode()), "c.csv")}, headers=key),
        "/api/v1/token": limited.post("/api/v1/token", data="x", headers=key),
    }
    plain = {"Content-Type", "Content-Length", "Content-Disposition", "Content-Security-Policy", "Cache-Control"}
    plain |= {"X-Content-Type-Options", "Last-Modified", "ETag", "Date", "Vary"}
    for path, answer in sent.items():
        answer.close()
        described = document["paths"][path]["post"]["responses"][str(answer.status_code)]["headers"]
        assert set(answer.headers.keys()) - plain == set(described), path
    assert {"Churn-Model", "RateLimit-Limit"} <= set(sent["/api/v1/batch-predict"].headers.keys())
    taken = [place.get("name") for place in document["paths"]["/api/v1/jobs"]["post"]["parameters"]]
    assert "Idempotency-Key" in taken
    unsure = document["paths"]["/api/v1/jobs"]["post"]["responses"]
    assert {"Retry-After", "RateLimit-Reset"} <= set(unsure["429"]["headers"])
    assert "Retry-After" in unsure["503"]["headers"]
    assert "WWW-Authenticate" in unsure["401"]["headers"]


def test_forms_are_described(document):
    """A form's schema has the part with the file, and the other fields."""
    jobs = document["paths"]["/api/v1/jobs"]["post"]["requestBody"]["content"]
    form = jobs["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    members = set(document["components"]["schemas"]["JobBody"]["properties"])
    assert set(form["properties"]) == members - {"source"} | {"file"}
    assert form["properties"]["file"]["description"] == "A table: CSV, NDJSON, Parquet, Arrow or Excel."
    bundle = document["paths"]["/api/v1/models"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert "ZIP" in bundle["properties"]["bundle"]["description"]
    batch = document["paths"]["/api/v1/batch-predict"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(batch["schema"]["properties"]) == {"file"}


def test_info_has_contact_and_limits(models_dir):
    """The document's head has the contact that was configured, and the limits in force."""
    chosen = {"MODELS_DIR": str(models_dir), "TESTING": True, "MAX_BATCH_ROWS": 77, "RATELIMIT_ENABLED": True}
    client = create_app(chosen | {"RATELIMIT_PREDICT": "7/second", "CONTACT": "churn@example.com"}).test_client()
    info = client.get("/openapi.json").json["info"]
    assert info["contact"]["email"] == "churn@example.com"
    assert (info["x-limits"]["max_batch_rows"], info["x-limits"]["predict"]) == (77, "7/second")
    assert "77" in info["description"]
    assert "7/second" in info["description"]
    for wrong in ("churn example", "javascript:alert(1)", "@", "ftp://example.com"):
        with pytest.raises(ConfigError, match="CONTACT"):
            create_app(chosen | {"CONTACT": wrong})


def test_every_problem_status_is_described(document):
    """Each prediction route describes every status of the contract's table that it can answer."""
    responses = document["paths"]["/api/v1/predict"]["post"]["responses"]
    assert set(responses) == {"200", "400", "401", "403", "404", "406", "413", "415", "422", "429", "500", "503", "504"}
    for status, response in responses.items():
        if status != "200":
            assert list(response["content"]) == ["application/problem+json"]
            assert any(kind.status == int(status) for kind in KINDS.values())


def test_server_is_where_it_is_mounted(client):
    """The document's server URL is the prefix at which the application is mounted."""
    assert client.get("/openapi.json").json["servers"] == [{"url": "/"}]
    mounted = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/churn"}).json
    assert mounted["servers"] == [{"url": "/churn"}]


@pytest.fixture
def one_version(models_dir, tmp_path, empty_database, instance):
    """The models without older versions: the document has the live version's fields, `version` may pin another."""
    models = tmp_path / "models"
    shutil.copytree(models_dir, models, ignore=lambda folder, names: {"1"} if "2" in names else {})
    database = Database(f"sqlite:///{shutil.copy(empty_database, instance / 'churn.db')}")
    make_all_live(models, database)
    database.close()
    return models


def test_schemathesis_finds_nothing(serve, one_version, tmp_path, make_key):
    """Requests generated from the document, valid and not, get responses that match the document."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "--no-color", "--max-examples=9"]
    command.append("--suppress-health-check=all")  # the hooks leave out much, and machines may be slow
    command.append("--phases=coverage,fuzzing,stateful")  # test_every_example_works sends the examples
    command.append("--exclude-checks=use_after_free")  # DELETE unloads a model, and leaves it in the list
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parent)}
    with serve(one_version, CHURN_DEFAULT_MODEL="small") as server:
        paths = requests.get(f"{server.url}/openapi.json", timeout=30).json()["paths"]
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
    assert f"Tested: {sum(map(len, paths.values()))}" in done.stdout
