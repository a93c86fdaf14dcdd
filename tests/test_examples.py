"""The examples: each runs against a real server, and all routes of the API are in those of each language."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Server

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.web import API_V1
from churn_api.web.core.in_process_api import close

EXAMPLES = ROOT / "examples"
RUN = {".sh": ["sh"], ".py": [sys.executable]}
LANGUAGES = {"curl": ".sh", "python": ".py"}


def files(language: str) -> list[Path]:
    return sorted((EXAMPLES / language).iterdir())


@pytest.fixture
def service(serve, models_dir, make_key, monkeypatch) -> Iterator[Server]:
    """A server that asks for keys, with a key that may do everything in the environment, and with a job worker."""
    settings = {"CHURN_AUTH": "required", "CHURN_JOB_WORKER": "1", "CHURN_LOG_LEVEL": "debug"}
    with serve(models_dir, **settings) as server:
        monkeypatch.setenv("URL", server.url)
        monkeypatch.setenv("KEY", make_key(*SCOPES))
        monkeypatch.setenv("PYTHONPATH", str(ROOT / "churn_client" / "src"))
        yield server


def routes(models_dir: Path) -> set[tuple[str, str]]:
    """The methods and routes of the API that are not deprecated."""
    app = create_app({"MODELS_DIR": str(models_dir)})
    result = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(API_V1) and not app.operations[rule.endpoint].successor
    }
    close(app)
    return result


@pytest.mark.parametrize("language", LANGUAGES)
def test_examples(service, models_dir, tmp_path, language):
    """Every example of a language succeeds, and together they call every route of the API."""
    for file in files(language):
        done = subprocess.run([*RUN[file.suffix], file], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{file.name}: {done.stdout}{done.stderr}"
        assert done.stdout.strip(), file.name
    assert list(tmp_path.glob("*.csv")) == []
    called = {(line["method"], line["route"]) for line in service.lines if line.get("event") == "request"}
    assert routes(models_dir) - called == set()


def test_listed():
    """The table of examples names each file, and the files of both languages have the same names."""
    text = (EXAMPLES / "README.md").read_text()
    assert all(f"]({language}/{file.name})" in text for language in LANGUAGES for file in files(language))
    stems = [[file.stem for file in files(language)] for language in LANGUAGES]
    assert stems[0] == stems[1]


def test_short():
    """An example is short enough to be read at a glance."""
    assert all(len(file.read_text().splitlines()) <= 30 for language in LANGUAGES for file in files(language))
