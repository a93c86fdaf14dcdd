"""The package as users install it: a wheel in a separate environment, outside any checkout."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from conftest import ROOT, Server, serving
from scrapes import until

TREE = ("churn_api", "README.md", "LICENSE", "pyproject.toml", "setup.cfg")
"""What a build reads."""
BUILD = """
import sys
from setuptools import build_meta
_, folder = sys.argv
print(build_meta.build_sdist(folder), build_meta.build_wheel(folder))
"""
RECORD = {"customer_id": "CUST001", "age": 35, "tenure": 24, "monthly_charges": 65.50}


def run(command: list[str], folder: Path, **options: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed, without anything of the tests' own environment that leads to the checkout."""
    done = subprocess.run(command, cwd=folder, env=clean_environment() | options, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def clean_environment() -> dict[str, str]:
    """An environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "PYTHON"))}


class Distributions(NamedTuple):
    """What was built."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """A wheel and a source distribution of the tree as it is, without its caches."""
    tree, built = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for name in TREE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        options = {"ignore": shutil.ignore_patterns("__pycache__")} if (ROOT / name).is_dir() else {}
        copy(ROOT / name, tree / name, **options)
    names = run([sys.executable, "-c", BUILD, str(built)], tree).stdout.split()[-2:]
    return Distributions(*(built / name for name in names))


class Installation:
    """An environment that has the wheel, and borrows the dependencies of the one that the tests run in."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder.parent)
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        run([*pip, "install", "--no-deps", "--no-index", "--quiet", str(wheel)], folder.parent)
        site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
        # Only a folder to look into: what is editable there is found by a file that is not read from here.
        (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")

    def run(self, *arguments: str, folder: Path) -> str:
        """Run the installed command, and return what it printed."""
        return run([str(self.folder / "bin" / "churn-api"), *arguments], folder, CHURN_LOG_FORMAT="json").stdout


@pytest.fixture(scope="module")
def installation(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation that has a migrated database and a model."""
    installed = Installation(tmp_path_factory.mktemp("venv") / "venv", distributions.wheel)
    folder = tmp_path_factory.mktemp("empty")
    (folder / "customers.csv").write_text(installed.run("sample-data", "--rows", "500", folder=folder))
    installed.run("db", "upgrade", folder=folder)
    installed.run("train", "customers.csv", "--target", "churn", "--estimator", "logistic", "--live", folder=folder)
    assert {path.name for path in folder.iterdir()} == {"customers.csv"}
    return installed


@pytest.fixture
def server(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The installed server, started in an empty folder."""
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)
    folder = tmp_path / "anywhere"
    folder.mkdir()
    command = [str(installation.folder / "bin" / "churn-api"), "serve"]
    with serving(None, tmp_path / "log", command=command, cwd=folder, CHURN_AUTH="open") as server:
        yield server
    assert list(folder.iterdir()) == []


def test_what_is_packaged(distributions):
    """Wheel and source distribution hold every file of the package: modules, templates, static files, migrations."""
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "churn_api").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"churn_api/py.typed", "churn_api/server/wsgi.py"} < package
    for ending in (".js", ".html", "_jobs.py"):
        assert any(name.endswith(ending) for name in package), ending
    assert package <= set(zipfile.ZipFile(distributions.wheel).namelist())
    with tarfile.open(distributions.sdist) as sdist:
        assert package <= {name.partition("/")[2] for name in sdist.getnames()}


def test_is_the_installed_one(installation, tmp_path):
    """What runs is the installed package, and its state is below its own environment."""
    code = "import churn_api, flask; print(churn_api.__file__, flask.Flask('churn_api').instance_path, sep='\\n')"
    file, instance = run([str(installation.python), "-c", code], tmp_path).stdout.split()
    assert Path(file).is_relative_to(installation.folder)
    assert instance == str(installation.folder / "var" / "churn_api-instance")
    shown = installation.run("config", folder=tmp_path)
    assert f"CHURN_INSTANCE_DIR           {instance}\n" in shown
    assert f"CHURN_MODELS_DIR             {instance}/models\n" in shown


def test_help(installation, tmp_path):
    """`churn-api` and `python -m churn_api` are the same command."""
    module = run([str(installation.python), "-m", "churn_api", "--help"], tmp_path).stdout
    assert installation.run("--help", folder=tmp_path) == module
    assert "serve" in module


IN_PYTHON = """
import sys
import churn_api
predictor = churn_api.load(sys.argv[1])
print(predictor.predict({"age": 35, "tenure": 24, "monthly_charges": 65.50}).probability)
"""


def test_predicts_in_python(installation, server, tmp_path):
    """In a program, the installed package predicts what the installed server answers."""
    bundle = installation.folder / "var" / "churn_api-instance" / "models" / "default" / "1"
    printed = run([str(installation.python), "-c", IN_PYTHON, str(bundle)], tmp_path).stdout
    answer = requests.post(f"{server.url}/api/v1/predict", json=RECORD, timeout=30).json()
    assert float(printed) == answer["churn_probability"]


def test_types(installation, tmp_path):
    """Type checkers know what the installed package offers: a right program passes, and each wrong line is named."""
    pytest.importorskip("mypy")
    source = Path(__file__).with_name("typed_program.py").read_text()
    (tmp_path / "program.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installation.python)]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), "program.py"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    wrong = {number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# wrong")}
    actual = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line}
    assert wrong
    assert actual == wrong, done.stdout


def test_predicts(server):
    """The installed server predicts, and its pages have every file that they load."""
    answer = requests.post(f"{server.url}/api/v1/predict", json=RECORD, timeout=30)
    assert 0 < answer.json()["churn_probability"] < 1
    for path, script in (("/", "/start.js"), ("/docs", "docs.js"), ("/redoc", "redoc/page.js")):
        page = requests.get(f"{server.url}{path}", headers={"Accept": "text/html"}, timeout=30)
        assert page.status_code == 200
        assets = sources(page.text)
        assert any(script in asset for asset in assets)
        for asset in assets:
            assert requests.get(f"{server.url}{asset}", timeout=30).status_code == 200, asset


def sources(page: str) -> list[str]:
    """The addresses of scripts and styles that a page loads."""
    return re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page)


def test_job(server, installation, tmp_path):
    """A job that is sent to the installed server is done by the installed worker, which finds the same state."""
    key = installation.run("keys", "create", "--name", "crm", "--scopes", "jobs", folder=tmp_path).strip()
    headers = {"X-API-Key": key}
    table = "customer_id,age,tenure,monthly_charges\n" + "".join(f"{row},35,24,65.5\n" for row in range(200))
    upload = {"file": ("customers.csv", table)}
    job = requests.post(f"{server.url}/api/v1/jobs", files=upload, headers=headers, timeout=30).json()
    environment = clean_environment() | {"CHURN_JOB_PROCESSES": "1"}
    worker = subprocess.Popen(
        [str(installation.folder / "bin" / "churn-api"), "worker"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"{server.url}/api/v1/jobs/{job['id']}"
    try:
        until(lambda: requests.get(address, headers=headers, timeout=30).json()["state"] == "succeeded", seconds=60)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    result = requests.get(f"{address}/result", headers=headers, timeout=30).text
    assert len(result.splitlines()) == 201
