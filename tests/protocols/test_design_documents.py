"""The design documents: each request that they print gets, from a real server, the answer that this table says.

The documents are not the project's to ship. A request is named here by its document and its place among the requests of
its kind: commands of curl, snippets that use `requests`, test files, addresses with their methods.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import requests
from builders import write_csv
from conftest import ROOT, Server, make_all_live, train_on
from PIL import Image
from tensor_graphs import COLOURS, IRISES, SIDE, colour_graph, iris_graph, package

from churn_api.access.caller import SCOPES
from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.training.tensor_packaging import ImageOptions

DOCUMENTS = ROOT.parent / "shared" / "documents"
CURL = shutil.which("curl")


class Printed(NamedTuple):
    """A request as a document prints it."""

    document: str
    kind: str
    text: str


class Answer(NamedTuple):
    """What a printed request gets: a status, and texts that its answer has; `why` is for what cannot be answered."""

    status: int
    has: tuple[str, ...] = ()
    why: str = ""


PICTURE = "a picture: the default model here takes customers; the types that it takes are listed"
PICKLE = "a pickle is code, and no request loads one; the answer says how to package it"
VERSIONED = "another scheme of versions: here version 1 is below /api/v1"
VERB = "the document shows it as how not to name an address"
VECTOR = ('"prediction":', '"prediction_label":', '"probabilities":', '"prediction_time":', '"timestamp":')

ANSWERS: dict[tuple[str, str, int], Answer] = {
    ("001", "curl", 0): Answer(404, why="an address for pictures alone"),
    ("001", "curl", 1): Answer(200, ('"status":"healthy"', '"model_loaded":true')),
    ("001", "curl", 2): Answer(415, ('"accepted":["application/json"]',), PICTURE),
    ("001", "address", 0): Answer(415, why="no body is printed"),
    ("001", "address", 1): Answer(404, why=VERSIONED),
    ("001", "address", 2): Answer(404, why=VERSIONED),
    ("001", "address", 3): Answer(200, ('"links":',)),
    ("001", "address", 4): Answer(200),
    ("001", "address", 5): Answer(200),
    ("002", "curl", 0): Answer(200, VECTOR),
    ("002", "curl", 1): Answer(422, ("churn-api package",), PICKLE),
    ("002", "curl", 2): Answer(200, VECTOR),
    ("002", "curl", 3): Answer(200, VECTOR),
    ("002", "curl", 4): Answer(200, ('"status":"healthy"', '"used_percent":')),
    ("002", "python", 0): Answer(0, ("Prediction: ", "Confidence: 0.")),
    ("002", "python", 1): Answer(0, ("Sample 1: ", "Sample 3: ", "(confidence: 0.")),
    ("002", "python", 2): Answer(0, ("Predictions complete!",)),
    ("002", "python", 3): Answer(0, ("'default', 'iris_classifier', 'production_model'", "'unknown-model'"), PICKLE),
    ("002", "tests", 0): Answer(0, ("4 passed",)),
    ("002", "address", 0): Answer(415, why="no body is printed"),
    ("002", "address", 1): Answer(415, why="no body is printed"),
    ("002", "address", 2): Answer(415, why="no body is printed"),
    ("002", "address", 3): Answer(415, why="no body is printed"),
    ("002", "address", 4): Answer(200, ('"name":"default"',)),
    ("002", "address", 5): Answer(415, why="no body is printed"),
    ("002", "address", 6): Answer(409, why="the default model is never unloaded"),
    ("002", "address", 7): Answer(200, ('"signature":',)),
    ("002", "address", 8): Answer(200),
    ("002", "address", 9): Answer(200, ("# TYPE http_requests_total counter",)),
    ("002", "address", 10): Answer(200, ('"workers":',)),
    ("002", "address", 11): Answer(200),
    ("003", "curl", 0): Answer(200, ('"customer_id":"CUST001"', '"churn_prediction":', '"churn_probability":0.')),
    ("003", "python", 0): Answer(0, ("'churn_probability': 0.", "'success': True", "'model_version': '1'")),
    ("003", "address", 0): Answer(200),
    ("004", "curl", 0): Answer(200, ('"status":"healthy"', '"timestamp":')),
    ("004", "address", 0): Answer(200, ('"models":',)),
    ("004", "address", 1): Answer(200, ('"name":"default"',)),
    ("004", "address", 2): Answer(415, why="no body is printed"),
    ("004", "address", 3): Answer(415, why="no body is printed"),
    ("004", "address", 4): Answer(409, why="the default model is never unloaded"),
    ("004", "address", 5): Answer(404, why=VERB),
    ("004", "address", 6): Answer(404, why=VERB),
    ("004", "address", 7): Answer(404, why=VERB),
    ("004", "address", 8): Answer(404, why=VERB),
}
"""By document, kind and place. The status of a snippet is its exit code."""

IRIS_SNIPPETS = (("python", 0), ("python", 1), ("tests", 0))
"""The snippets that send measurements of irises."""

PLACEHOLDERS = ("your-api-key", "your-jwt-token")


def documents() -> dict[str, str]:
    return {path.name[:3]: path.read_text() for path in sorted(DOCUMENTS.glob("*.txt"))}


def printed() -> dict[tuple[str, str, int], str]:
    """Every request of the documents, once."""
    found: dict[tuple[str, str, int], str] = {}
    for document, text in documents().items():
        places = dict.fromkeys(("curl", "python", "tests", "address"), 0)
        texts: set[str] = set()
        for request in requests_of(document, text):
            if request.text not in texts:
                texts.add(request.text)
                found[document, request.kind, places[request.kind]] = request.text
                places[request.kind] += 1
    return found


def requests_of(document: str, text: str) -> Iterator[Printed]:
    for language, block in re.findall(r"^[ \t]*```([^\n]*)\n(.*?)^[ \t]*```", text, re.M | re.S):
        yield from (Printed(document, "curl", command) for command in curl_commands(block))
        if language.strip() == "python" and re.search(r"\brequests\.(?:get|post)\(", block):
            yield Printed(document, "python", block)
        if "TestClient(" in block:
            yield Printed(document, "tests", block)
    for method, path in re.findall(r"\b(GET|POST|PUT|DELETE) (/[\w/{}-]*)", text):
        yield Printed(document, "address", f"{method} {path}")
    for path, method in re.findall(r"^\| *`(/[^`]*)` *\| *(\w+)", text, re.M):
        yield Printed(document, "address", f"{method} {path}")
    pages = re.findall(r"^.*\w: http://localhost:\d+(/[\w/]*)", text, re.M)
    pages += re.findall(r"`http://localhost:\d+(/[\w/]*)`", text)
    yield from (Printed(document, "address", f"GET {path}") for path in pages)


def curl_commands(block: str) -> Iterator[str]:
    """Commands of a block, in comments as well, each with the lines that it continues on."""
    lines = iter([re.sub(r"^\s*#\s?", "", line) for line in block.splitlines()])
    for line in lines:
        listed = re.search(r'\["CMD", ("curl".*)\]', line)
        if listed:
            yield shlex.join(json.loads(f"[{listed[1]}]"))
        start = re.search(r"^(?:.*\bCMD )?\s*(curl .*)", line)
        if start is None:
            continue
        command = start[1]
        while not is_complete(command):
            command += "\n" + next(lines)
        yield command


def is_complete(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")


pytestmark = [
    pytest.mark.skipif(not DOCUMENTS.exists(), reason="the design documents are missing (shared/documents)"),
    pytest.mark.skipif(CURL is None, reason="there is no curl here"),
]


class Replay(NamedTuple):
    """A server, and a folder with what a reader of the documents has there."""

    server: Server
    folder: Path
    key: str

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "NETRC": str(self.folder / "netrc"), "PYTHONPATH": str(self.folder)}
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)

    def here(self, text: str) -> str:
        """A request with this server's address and a valid key."""
        for placeholder in PLACEHOLDERS:
            text = text.replace(placeholder, self.key)
        return re.sub(r"http://localhost:\d+", self.server.url, text)


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """Models of four measurements, under the names that the documents use."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.uniform(0, 8, (300, 4)).round(1), columns=["f1", "f2", "f3", "f4"])
    table["species"] = np.where(table["f3"] + rng.normal(0, 1, 300) > 4, "virginica", "setosa")
    sample = write_csv(table, folder / "flowers.csv")
    for name in ("default", "iris_classifier", "production_model"):
        train_on(sample, folder / "models", name, target="species", identifier=None, positive="virginica")
    return folder / "models", table.drop(columns="species")


@contextmanager
def replaying(serve, folder, models, make_key, **variables):
    """A server of these models, with a job worker, and a key for callers that send none."""
    services = Services(load_settings({"MODELS_DIR": str(models)}))
    make_all_live(models, services.database)
    services.database.close()
    key = make_key(*SCOPES)
    (folder / "netrc").write_text(f"machine 127.0.0.1 login any password {key}\n")
    (folder / "netrc").chmod(0o600)
    (folder / "curl").write_text(
        f'#!/bin/sh\nexec {CURL} --silent --netrc-file netrc --write-out "\\n%{{http_code}}" "$@"\n'
    )
    (folder / "curl").chmod(0o755)
    for name in ("cat.jpg", "image.jpg"):
        (folder / name).write_bytes(b"\xff\xd8\xff\xe0 a picture")
    with serve(models, CHURN_AUTH="required", CHURN_JOB_WORKER="1", **variables) as server:
        yield Replay(server, folder, key)


def shim(folder: Path, url: str) -> None:
    """Modules under the names that a printed test file imports; its client asks the server."""
    for module in ("fastapi", "src", "src/api"):
        (folder / module).mkdir()
        (folder / module / "__init__.py").touch()
    (folder / "src" / "api" / "app.py").write_text("def create_app():\n    return None\n")
    (folder / "fastapi" / "testclient.py").write_text(
        "import requests\n\n\n"
        "class TestClient:\n"
        "    __test__ = False\n\n"
        "    def __init__(self, app):\n        pass\n\n"
        f"    def get(self, path, **how):\n        return requests.get('{url}' + path, **how)\n\n"
        f"    def post(self, path, **how):\n        return requests.post('{url}' + path, **how)\n"
    )


def test_the_table_is_complete():
    """The table has every request that the documents print, and no other."""
    assert set(printed()) == set(ANSWERS)


def test_vectors_jobs_and_models(serve, flowers, tmp_path, make_key):
    """The requests of the document of endpoints run as printed, but for those that the table gives a reason for."""
    models, rows = flowers
    (tmp_path / "data" / "batch").mkdir(parents=True)
    (tmp_path / "data" / "data" / "batch").mkdir(parents=True)
    rows.to_csv(tmp_path / "data" / "data" / "batch" / "large_dataset.csv", index=False)
    with replaying(serve, tmp_path, models, make_key, CHURN_DATA_DIR=str(tmp_path / "data")) as replay:
        shim(tmp_path, replay.server.url)
        assert wrong_answers(replay, "002") == {}
    assert len(pd.read_csv(tmp_path / "data" / "predictions" / "results.csv")) == len(rows)


def test_customers(serve, models_dir, tmp_path, make_key):
    """The requests of the other documents run as printed, but for those that the table gives a reason for."""
    with replaying(serve, tmp_path, models_dir, make_key) as replay:
        assert {name: wrong_answers(replay, name) for name in ("001", "003", "004")} == {
            "001": {},
            "003": {},
            "004": {},
        }


def test_irises(serve, tmp_path, make_key):
    """With a classifier of irises the printed examples of vectors run word for word, and have its three labels."""
    for name in ("default", "iris_classifier"):
        package(tmp_path / "models", iris_graph(), name, IRISES)
    with replaying(serve, tmp_path, tmp_path / "models", make_key) as replay:
        shim(tmp_path, replay.server.url)
        status, answer = by_curl(replay, printed()["002", "curl", 0])
        one, many, tests = (ANSWERED_BY[kind](replay, printed()["002", kind, place]) for kind, place in IRIS_SNIPPETS)
    assert (status, json.loads(answer)["prediction_label"], len(json.loads(answer)["probabilities"])) == (
        200,
        IRISES[0],
        3,
    )
    assert one[0] == 0
    assert "Prediction: 0\nConfidence: 0.98" in one[1]
    assert [line[:11] for line in many[1].splitlines()] == ["Sample 1: 0", "Sample 2: 2", "Sample 3: 0"]
    assert (tests[0], "4 passed" in tests[1]) == (0, True)


def test_picture(serve, tmp_path, make_key):
    """With a classifier of images the printed upload of a picture runs word for word, and gets labels in order."""
    image = ImageOptions((SIDE, SIDE), (0.5,), (0.5,))
    package(tmp_path / "models", colour_graph(), "default", COLOURS, image)
    with replaying(serve, tmp_path, tmp_path / "models", make_key) as replay:
        Image.new("RGB", (60, 40), (10, 240, 10)).save(tmp_path / "cat.jpg")
        status, answer = by_curl(replay, printed()["001", "curl", 2])
    found = json.loads(answer)
    assert (status, found["model"], found["predictions"][0]["class_name"]) == (200, "default", "green")
    assert [list(one) for one in found["predictions"]] == [["class_name", "confidence"]] * 3


def wrong_answers(replay: Replay, document: str) -> dict[tuple[str, int], str]:
    """What each request of a document answers, where that is not what the table says."""
    wrong = {}
    for (name, kind, place), text in printed().items():
        if name == document:
            expected, (status, answer) = ANSWERS[name, kind, place], ANSWERED_BY[kind](replay, text)
            if status != expected.status or not all(part in answer for part in expected.has):
                wrong[kind, place] = f"{status}: {answer}"
    return wrong


def by_curl(replay: Replay, text: str) -> tuple[int, str]:
    """A command line through a shell."""
    output = replay.run(["sh", "-c", replay.here(text)]).stdout
    answer, _, status = output.rpartition("\n")
    return int(status), answer


def by_python(replay: Replay, text: str) -> tuple[int, str]:
    """A snippet as it stands."""
    done = replay.run([sys.executable, "-c", replay.here(text)])
    return done.returncode, done.stdout + done.stderr


def by_pytest(replay: Replay, text: str) -> tuple[int, str]:
    """A file of tests as it stands."""
    (replay.folder / "test_printed.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "-c", "/dev/null"]
    done = replay.run([*command, "test_printed.py"])
    return done.returncode, done.stdout + done.stderr


def by_address(replay: Replay, text: str) -> tuple[int, str]:
    """A method and a path, with the default model where the path has a place for one."""
    method, path = text.split(" ")
    url = replay.server.url + re.sub(r"\{\w+\}", "default", path)
    answer = requests.request(method, url, headers={"X-API-Key": replay.key}, timeout=30)
    return answer.status_code, answer.text


ANSWERED_BY = {"curl": by_curl, "python": by_python, "tests": by_pytest, "address": by_address}
