"""The client's answers are those of the OpenAPI document, its types hold, and its wheel works."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import requests
from builders import CUSTOMER
from conftest import ROOT

import churn_client
from churn_client.answers import Answer

PROJECT = ROOT / "churn_client"
SCHEMAS = {"CallList": "CallListAnswer", "Job": "JobAnswer", "Model": "ModelDetail", "Token": "TokenAnswer"}
"""Names of answers that the document has under another name."""
OWN = {"Fault": {"position"}}
"""Members that the client adds."""
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": tuple, "object": dict, "null": None}


def answers() -> dict[str, type[Answer]]:
    return {kind.__name__: kind for kind in Answer.__subclasses__()}


@pytest.fixture
def schemas(client):
    return client.get("/openapi.json").json["components"]["schemas"]


@pytest.mark.parametrize("name", answers())
def test_members(schemas, name):
    """An answer has each member of its schema and no other, and needs only what the schema requires."""
    schema = schemas[SCHEMAS.get(name, name)]
    fields = {field.name: field for field in msgspec.structs.fields(answers()[name])}
    assert set(fields) - OWN.get(name, set()) == set(schema["properties"])
    assert {field.name for field in fields.values() if field.required} <= set(schema.get("required", []))


@pytest.mark.parametrize("name", answers())
def test_types_of_members(schemas, name):
    """A member takes every type that its schema names, null included."""
    schema = schemas[SCHEMAS.get(name, name)]
    for field in msgspec.structs.fields(answers()[name]):
        expected = schema_types(schema["properties"].get(field.name, {}))
        assert expected <= python_types(field.type), field.name


def schema_types(schema: dict[str, Any]) -> set[Any]:
    """The Python types of what a schema describes; nothing where it says nothing of types."""
    if "anyOf" in schema:
        return set().union(*(schema_types(one) for one in schema["anyOf"]))
    named = schema.get("type", [])
    return {TYPES[name] for name in ([named] if isinstance(named, str) else named)}


def python_types(kind: Any) -> set[Any]:
    """The types of a member, as a schema has them: a timestamp and a date are texts."""
    members = get_args(kind) if "|" in str(kind) or "Union" in str(kind) else (kind,)
    plain = {getattr(member, "__origin__", member) for member in members}
    if Any in plain:
        return set(TYPES.values())
    texts = {str} if plain & {datetime, date} else set()
    return {None if member is type(None) else member for member in plain} | texts


def test_imports_nothing_of_the_service():
    """The client imports the standard library, itself, and what its project file names."""
    imported = {
        name.partition(".")[0]
        for file in (PROJECT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        for name in imported_names(node)
    }
    assert imported - sys.stdlib_module_names == {"churn_client", "httpx", "msgspec", "pyarrow"}


def imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else []


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The Python of an environment that has the client's wheel, and borrows what it needs from the tests' own."""
    folder = tmp_path_factory.mktemp("client")
    copy = shutil.copytree(
        PROJECT, folder / "project", ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
    )
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    wheel = run([sys.executable, "-c", build, str(folder)], copy).splitlines()[-1]
    python = folder / "venv" / "bin" / "python"
    run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    run([*pip, "install", "--no-deps", "--no-index", "--quiet", str(folder / wheel)], folder)
    site = Path(run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip())
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


def run(command: list[str], folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_installed(installed, serve, models_dir, tmp_path):
    """A program that has the wheel predicts what the service answers, and imports neither pandas nor pyarrow for it."""
    program = (
        "import sys, churn_client\n"
        "with churn_client.Client(sys.argv[1]) as client:\n"
        f"    one = client.predict({CUSTOMER!r}, model='small')\n"
        f"    (many,) = client.predict_many([{CUSTOMER!r}], model='small')\n"
        "print(one.churn_probability, many.churn_probability)\n"
        "print(churn_client.__file__, {'pandas', 'pyarrow', 'churn_api'} & set(sys.modules))\n"
    )
    with serve(models_dir, workers=1) as server:
        shown = requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER, timeout=30).json()
        printed = run([str(installed), "-c", program, server.url], tmp_path).splitlines()
    assert [float(text) for text in printed[0].split()] == [shown["churn_probability"]] * 2
    file, _, loaded = printed[1].partition(" ")
    assert Path(file).is_relative_to(installed.parents[1])
    assert loaded == "set()"
    (licence,) = Path(file).parents[1].glob("churn_client-*.dist-info/licenses/LICENSE")
    assert "Apache License" in licence.read_text()


def test_type_checker(installed, tmp_path):
    """Type checkers know the installed client: a right program passes, and each wrong line is named."""
    source = Path(__file__).with_name("typed_client_program.py").read_text()
    (tmp_path / "program.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed)]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), "program.py"], cwd=tmp_path, capture_output=True, text=True
    )
    wrong = {number for number, line in enumerate(source.splitlines(), 1) if line.endswith("# wrong")}
    actual = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line}
    assert wrong
    assert actual == wrong, done.stdout


def test_names():
    """Each public name is there, and no module of the package replaces one."""
    assert all(hasattr(churn_client, name) for name in churn_client.__all__)
    modules = {path.stem for path in Path(churn_client.__file__).parent.glob("*.py")}
    assert not modules & set(churn_client.__all__)
