"""Documents that can fail: their tables are compared with the code, and their examples are run."""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import flask
import pytest
import requests
from conftest import ROOT, made_once

import churn_api
from churn_api.app import create_app
from churn_api.settings import SETTINGS
from churn_api.tables.formats import FORMATS
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.problems import KINDS
from churn_api.web.pages.shared.openapi_route import METHODS

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "churn_client" / "README.md",
    ROOT / "examples" / "README.md",
]
VOLATILE = {"inference_time_ms", "timestamp", "request_id"}


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    text: str


def blocks(name: str) -> list[Block]:
    return [Block(*result) for result in re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / name).read_text(), re.M | re.S)]


def table_rows(name: str) -> list[list[str]]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_settings():
    """docs/configuration.md lists every setting with its variable, its default and its help, and no other."""
    listed = {tuple(row) for row in table_rows("docs/configuration.md")}
    assert listed == {(f"`{setting.variable}`", f"`{setting.default}`", setting.help) for setting in SETTINGS}


def test_problems():
    """docs/api.md lists every problem with its status, and no other."""
    rows = [row for row in table_rows("docs/api.md") if len(row) == 3 and row[1].isdigit()]
    assert {row[0].strip("`"): int(row[1]) for row in rows} == {code: kind.status for code, kind in KINDS.items()}


def test_routes(models_dir):
    """docs/api.md and protocols.md list every route with its method and the scope that it asks for, and no other."""
    app = create_app({"MODELS_DIR": str(models_dir)})
    hidden = ("docs.asset", "docs.static", "desk.asset")
    routes = {
        (rule.rule, method, app.operations[rule.endpoint].access.replace(PUBLIC, "open"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in hidden
    }
    rows = [row for name in ("api", "protocols") for row in table_rows(f"docs/{name}.md") if row[1] in METHODS]
    listed = {(route, row[1], row[2].strip("`")) for row in rows for route in re.findall(r"`([^`]+)`", row[0])}
    assert listed == routes


def test_formats():
    """docs/api.md lists every format of tables with its media type, its suffixes and whether it may be gzipped."""
    listed = {row[0].strip("`"): row[1:] for row in table_rows("docs/api.md") if "/" in row[1] and len(row) == 4}
    assert listed == {
        name: [
            f"`{known.media_type}`",
            ", ".join(f"`{suffix}`" for suffix in known.suffixes),
            "may be" if known.gzipped else "no",
        ]
        for name, known in FORMATS.items()
    }


def test_only_these_are_open(models_dir):
    """Of what is below /api/v1, the health report alone asks for no key."""
    app = create_app({"MODELS_DIR": str(models_dir)})
    below = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert {rule.rule for rule in below if app.operations[rule.endpoint].access == PUBLIC} == {"/api/v1/health"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document):
    """Every link inside the project leads to a file."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_tests(document):
    """Every test that a document calls to witness is there."""
    for named in re.findall(r"`(tests/[^`]+\.py)`", document.read_text()):
        assert (ROOT / named).exists(), named


def test_files_of_the_recipes():
    """Every file and folder that a recipe of CONTRIBUTING.md names is there."""
    recipes = (ROOT / "CONTRIBUTING.md").read_text().partition("## Recipes")[2].partition("## Tests")[0]
    named = re.findall(r"`((?:docs/)?[\w/]+(?:\.py|\.md|/))`", recipes)
    assert len(named) > 15
    assert [name for name in named if not any((root / name).exists() for root in (ROOT, ROOT / "churn_api"))] == []


@pytest.fixture(scope="session")
def sample_models(tmp_path_factory) -> Path:
    """The default model, made by the lines that `make train` runs."""
    return made_once(tmp_path_factory, "sample", make_train) / "models"


def make_train(folder: Path) -> None:
    run("CHURN_INSTANCE_DIR=. churn-api db upgrade", folder)
    recipe = subprocess.run(
        ["make", "--dry-run", "train", "LIVE=--live"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for line in recipe.splitlines():
        if "churn-api " in line:
            run("CHURN_INSTANCE_DIR=. " + line.replace("instance/", ""), folder)


@pytest.fixture
def sample_live(sample_models: Path, instance: Path) -> Path:
    """The same, in a database of the test's own where it is live: as `make serve` leaves it."""
    shutil.copy(sample_models.parent / "churn.db", instance / "churn.db")
    return sample_models


def run(line: str, folder: Path) -> str:
    environment = {"CHURN_MODELS_DIR": str(folder / "models")} | os.environ
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    line = line.replace(".venv/bin/", "")
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True)  # noqa: S602
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_alike(shown: Any, result: Any) -> None:
    """Equal, numbers within a thousandth; what differs from request to request has but to be there."""
    if isinstance(shown, dict):
        assert list(shown) == list(result)
        for name in shown:
            if name not in VOLATILE:
                assert_alike(shown[name], result[name])
    elif isinstance(shown, list):
        for one, other in zip(shown, result, strict=True):
            assert_alike(one, other)
    elif isinstance(shown, float):
        assert result == pytest.approx(shown, rel=1e-3)
    else:
        assert shown == result


def test_requests_of_the_readme(serve, sample_live, tmp_path):
    """Every curl line of the README works unchanged, and returns the output that is shown below it."""
    readme, shown = blocks("README.md"), 0
    with serve(sample_live) as server:
        for block, following in zip(readme, [*readme[1:], Block("", "")], strict=True):
            if block.text.startswith("curl"):
                answer = json.loads(run(block.text.replace("http://127.0.0.1:8000", server.url), tmp_path))
                assert "predictions" in answer or following.language == "json"
                if following.language == "json":
                    assert_alike(json.loads(following.text), answer)
                    shown += 1
    assert shown == 3


def test_keys_limits_and_versions(serve, sample_live, tmp_path, monkeypatch):
    """The README's way through keys, limits and versions works line by line, as its remarks say."""
    (block,) = [block.text for block in blocks("README.md") if block.text.startswith("KEY=")]
    models = shutil.copytree(sample_live, tmp_path / "models")
    for name, value in {"MODELS_DIR": models, "AUTH": "required", "RATELIMIT_ENABLED": "1"}.items():
        monkeypatch.setenv(f"CHURN_{name}", str(value))
    with serve(models) as server:
        script = block.replace("http://127.0.0.1:8000", server.url).replace("ask;", "ask; echo;")
        printed = run("set -e\n" + re.sub(r"ask  ", "ask; echo  ", script), tmp_path)
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    output = [answer.get("model_version", answer.get("code")) for answer in answers]
    assert output == ["1", "2", "1", "1", "1", "rate-limited", "invalid-key"]
    assert "keys.revoke" in printed


def test_score_and_job(serve, sample_live, tmp_path, monkeypatch):
    """The README's file gets the same scores from the command and from a job."""
    (block,) = [block.text for block in blocks("README.md") if "churn-api score" in block.text]
    monkeypatch.setenv("CHURN_MODELS_DIR", str(sample_live))
    with serve(sample_live, CHURN_JOB_WORKER="1") as server:
        printed = run("set -e\n" + block.replace("http://127.0.0.1:8000", server.url), tmp_path)
    assert json.loads(printed)["state"] == "succeeded"
    scored, by_job = ((tmp_path / name).read_text().splitlines() for name in ("scored.csv", "by-job.csv"))
    assert len(scored) == len(by_job) == 5001
    assert [line.split(",")[-3:] for line in scored] == [line.split(",")[-3:] for line in by_job]


@pytest.mark.parametrize("name", ["README.md", "docs/training.md"])
def test_commands(name, tmp_path):
    """Every churn-api line of the documents works unchanged."""
    commands = [block.text for block in blocks(name) if block.text.startswith("churn-api")]
    assert commands
    for command in commands:
        run(f"set -e\n{command}", tmp_path)
    assert list(tmp_path.glob("models/*/1/card.json"))


def test_tensor_model(serve, instance, tmp_path):
    """The graph of docs/tensor-models.md is made, packaged, made live and asked by its lines, with the answer shown."""
    python, commands, request, shown = [block.text for block in blocks("docs/tensor-models.md")][:4]
    subprocess.run([sys.executable, "-c", python], cwd=tmp_path, check=True)
    run(f"set -e\n{commands}", tmp_path)
    with serve(tmp_path / "models") as server:
        answer = json.loads(run(request.replace("localhost:8000", server.url), tmp_path))
    assert list(answer) == list(json.loads(shown))
    assert answer["prediction_label"] == json.loads(shown)["prediction_label"]
    assert answer["probabilities"] == pytest.approx(json.loads(shown)["probabilities"], abs=1e-3)


def test_python_of_the_readme(models_dir, monkeypatch):
    """The README's Python mounts an API that answers."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    (code,) = [block.text for block in blocks("README.md") if block.language == "python"]
    names: dict[str, Any] = {"__name__": "team"}
    exec(code, names)  # noqa: S102
    assert isinstance(names["app"], flask.Flask)
    assert names["app"].test_client().get("/churn/health/ready").status_code == 200


@pytest.fixture
def python_page(sample_models, monkeypatch, tmp_path) -> list[str]:
    """The Python examples of docs/python.md, in a folder that has the sample model and a table."""
    (tmp_path / "models").symlink_to(sample_models)
    run("churn-api sample-data --rows 2000 > customers.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return [block.text for block in blocks("docs/python.md") if block.language == "python"]


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_sessions(name, python_page):
    """Every line of a Python session prints what is shown below it."""
    run_session(name)


def run_session(name: str, url: str = "http://127.0.0.1:8000") -> None:
    """Run the Python sessions of a document, against a server if they need one."""
    text = "".join(block.text for block in blocks(name) if block.language == "pycon")
    test = doctest.DocTestParser().get_doctest(text.replace("http://127.0.0.1:8000", url), {}, name, name, 0)
    output: list[str] = []
    assert len(test.examples) > 2
    assert doctest.DocTestRunner().run(test, out=output.append).failed == 0, "".join(output)


def test_sessions_of_the_client(serve, sample_live, tmp_path, monkeypatch):
    """Every line of the client's README prints what is shown below it, and its asynchronous program the same double."""
    name = "churn_client/README.md"
    monkeypatch.chdir(tmp_path)
    with serve(sample_live, CHURN_JOB_WORKER="1") as server:
        run_session(name, server.url)
        (code,) = [block.text for block in blocks(name) if block.language == "python"]
        program = code.replace("http://127.0.0.1:8000", server.url)
        path = {"PYTHONPATH": str(ROOT / "churn_client" / "src")}
        done = subprocess.run([sys.executable, "-c", program], env=os.environ | path, capture_output=True, text=True)
        record = {"age": 35, "tenure": 24, "monthly_charges": 65.50}
        answer = requests.post(f"{server.url}/api/v1/predict", json=record, timeout=30).json()
    assert float(done.stdout) == answer["churn_probability"], done.stderr


def test_flask_view(python_page, sample_live, monkeypatch):
    """The view of docs/python.md answers with a prediction, and with what is wrong with a record."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(sample_live))
    (code,) = [text for text in python_page if "init_app" in text]
    names: dict[str, Any] = {"__name__": "team"}
    exec(code, names)  # noqa: S102
    client = names["app"].test_client()
    record = {"age": 35, "tenure": 24, "monthly_charges": 65.50}
    answer = client.post("/cancellations", json=record)
    served = client.post("/churn/api/v1/predict", json=record).json
    assert answer.json == {"call": False, "probability": served["churn_probability"]}
    refused = client.post("/cancellations", json={"age": 35, "tenure": 24})
    assert (refused.status_code, refused.json) == (422, {"faults": ["#/monthly_charges: This field is required."]})
    churn_api.close(names["app"])


def test_celery_task(python_page):
    """The task of docs/python.md predicts, where Celery is installed."""
    pytest.importorskip("celery")
    (code,) = [text for text in python_page if "celery" in text]
    names: dict[str, Any] = {"__name__": "tasks"}
    exec(code, names)  # noqa: S102
    records = [{"age": 35, "tenure": 24, "monthly_charges": 65.50}]
    probabilities = names["probabilities"].apply(args=[records]).get()
    assert probabilities == [churn_api.load("models/default/1").predict(records[0]).probability]
    with pytest.raises(churn_api.InvalidRecord, match="#/0/age This field is required"):
        names["probabilities"].apply(args=[[{}]]).get()


def test_pytest_fixture(python_page, tmp_path):
    """The test of docs/python.md passes in an environment that has nothing set, and leaves no thread."""
    (code,) = [text for text in python_page if "pytest.fixture" in text]
    (tmp_path / "test_app.py").write_text(
        f"{code}\n\ndef test_threads():\n    import threading\n\n    assert threading.active_count() == 1\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "PYTEST_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        str(tmp_path / "test_app.py"),
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_figures_of_the_readme():
    """The README's figures are those of the last bench, as benchmarks/README.md has them."""
    table = (ROOT / "README.md").read_text().split("## How fast")[1].split("## ")[0]
    figures = re.findall(r"\| ([\d,]+) (?=\|)", table)
    measured = (ROOT / "benchmarks" / "README.md").read_text()
    assert len(figures) > 12
    assert all(f"| {figure} |" in measured for figure in figures)


def test_targets_of_the_readme():
    """Every make target that the documents name is one that `make help` lists."""
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for document in DOCUMENTS:
        for target in re.findall(r"`?make ([\w-]+)`?$|`make ([\w-]+)`", document.read_text(), re.M):
            assert f"make {''.join(target)} " in listed, target


def test_the_readme_leaves_no_files():
    """The README's lines write no file into the checkout: they leave it before the first one does."""
    texts = [block.text for block in blocks("README.md") if block.language == "sh"]
    (leaving,) = [index for index, text in enumerate(texts) if 'cd "$(mktemp -d)"' in text]
    writing = [index for index, text in enumerate(texts) if re.search(r"[^-]> \w| -o \w", text)]
    assert writing
    assert leaving < min(writing)
