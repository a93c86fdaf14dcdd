"""Names that a client made up count as its data: no response text and no log line repeats them."""

import io
import json
import shutil
import zipfile

import pyarrow as pa
import pytest
import requests
from builders import CUSTOMER
from conftest import SECRET, serving
from table_files import parquet, stream

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.tables.formats import FORMATS

ROUTE = "/api/v1/batch-predict/small"
NAME = "Perkins-4711"
GOOD = {"customerID": ["C1"], "tenure": [5], "MonthlyCharges": [70.5]}
TYPES = {name: kind.media_type for name, kind in FORMATS.items()}


def nested(name):
    return pa.table(GOOD | {name: pa.array([{name: 1}])})


def zoned():
    """A required column of times in an unknown time zone."""
    return pa.table(GOOD | {"tenure": pa.array([0], pa.timestamp("ms", NAME))})


TABLES = {
    "a row of values in place of a header": ("csv", f"{NAME},5,70.5\n{NAME},6,71.5\n".encode(), ""),
    "a name twice": ("csv", f"tenure,{NAME},{NAME}\n5,1,2\n".encode(), ""),
    "a name like a required one": ("csv", b"tenure_Perkins,MonthlyCharges\n5,70.5\n", ""),
    "a name to keep": ("csv", b"tenure,MonthlyCharges\n5,70.5\n", f"?keep=tenure,{NAME}"),
    "a name to keep that is like another": ("csv", f"tenure,{NAME}1\n5,70.5\n".encode(), f"?keep={NAME}"),
    "nested Parquet": ("parquet", parquet(nested(NAME)), f"?keep={NAME}"),
    "nested Arrow": ("arrow", stream(nested(NAME)), f"?keep={NAME}"),
    "a time zone": ("parquet", parquet(zoned()), ""),
    "a time zone in Arrow": ("arrow", stream(zoned()), ""),
}


@pytest.fixture(scope="module")
def server(models_dir, database_of_models, tmp_path_factory):
    """A gunicorn with a log."""
    folder = tmp_path_factory.mktemp("names")
    shutil.copy(database_of_models, folder / "churn.db")
    settings = {"INSTANCE_DIR": str(folder), "AUTH": "open", "RATELIMIT_ENABLED": "0", "KEY_PEPPER": SECRET}
    chosen = {f"CHURN_{name}": value for name, value in settings.items()} | {"CHURN_JWT_SECRET": SECRET}
    with serving(models_dir, folder / "log", **chosen) as server:
        yield server


@pytest.mark.parametrize("what", TABLES)
def test_columns(server, what):
    """A table's column is named by its position, and so is a name in `keep`."""
    sent, body, query = TABLES[what]
    response = requests.post(server.url + ROUTE + query, body, headers={"Content-Type": TYPES[sent]}, timeout=30)
    assert 400 <= response.status_code < 500
    assert server.line_of(response.headers["X-Request-ID"])["status"] == response.status_code
    assert "Perkins" not in response.text + server.log


def test_a_column_by_its_position(client):
    """The hint for a missing required column names the position of an unknown one that resembles it."""
    body = b"MonthlyCharges,Tenures,Partner,Contract\n70.5,5,Yes,One year\n"
    (error,) = client.post(ROUTE, data=body, content_type=TYPES["csv"]).json["errors"]
    assert (error["pointer"], error["hint"]) == ("#/tenure", "Column 2 is unknown: did you mean 'tenure'?")


def test_members_are_not_logged(server):
    """The pointer in a response has the name of the invalid JSON member, and the log does not."""
    response = requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER | {NAME: 1}, timeout=30)
    assert [error["pointer"] for error in response.json()["errors"]] == [f"#/{NAME}"]
    assert server.line_of(response.headers["X-Request-ID"])["status"] == 422
    assert "Perkins" not in server.log


CARDS = {
    "a member": lambda card: card | {NAME: 1},
    "a member of a feature": lambda card: with_feature(card, **{NAME: 1}),
    "a type": lambda card: with_feature(card, type=NAME),
    "a feature that contradicts itself": lambda card: with_feature(card, name=NAME, minimum=2, maximum=1),
    "two features of a name": lambda card: with_feature(with_feature(card, name=NAME), 1, name=NAME),
    "a feature that is the target": lambda card: with_feature(card, name=NAME) | {"signature": target_of(card)},
    "a model's name": lambda card: card | {"name": f"../{NAME}"},
    "a file": lambda card: card | {"files": {NAME: 1}},
}


def with_feature(card, position=0, **changes):
    features = list(card["signature"]["features"])
    features[position] = features[position] | changes
    return card | {"signature": card["signature"] | {"features": features}}


def target_of(card):
    named = with_feature(card, name=NAME)["signature"]
    return named | {"target": named["target"] | {"name": NAME}}


@pytest.mark.parametrize("what", CARDS)
def test_cards(models_dir, tmp_path, make_key, what):
    """An uploaded card that cannot be read is refused with the position of the fault, and none of its names."""
    models = shutil.copytree(models_dir / "small" / "1", tmp_path / "models" / "small" / "1").parents[1]
    card = CARDS[what](json.loads((models / "small" / "1" / "card.json").read_text()))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("card.json", json.dumps(card))
        made.writestr("model.onnx", (models / "small" / "1" / "model.onnx").read_bytes())
    client = create_app({"MODELS_DIR": str(models), "TESTING": True}).test_client()
    headers = {"X-API-Key": make_key(*SCOPES)}
    form = {"bundle": (io.BytesIO(archive.getvalue()), "bundle.zip")}
    response = client.post("/api/v1/models", data=form, headers=headers)
    assert response.status_code == 422
    assert "Perkins" not in response.text
