"""`churn-api serve --reload`: what is changed in the package is served."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from builders import CUSTOMER
from conftest import serving
from scrapes import until

import churn_api

SERVE = [sys.executable, "-m", "churn_api", "serve", "--reload"]


@pytest.fixture
def package(tmp_path):
    """A copy of the package, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(Path(churn_api.__file__).parent, tmp_path / "copy" / "churn_api", ignore=ignored)


def version(server):
    """The version in the server's OpenAPI document; None where the server does not answer."""
    try:
        answer = requests.get(f"{server.url}/openapi.json", timeout=30)
    except requests.RequestException:
        return None
    return answer.json()["info"]["version"] if answer.ok else None


def test_changed_code_is_served(models_dir, tmp_path, package):
    """A change of a module that the master loads is answered with, and so is the next one after one that is broken."""
    module, path = package / "__init__.py", os.pathsep.join([str(package.parent), *sys.path])
    text = module.read_text()
    with serving(models_dir, tmp_path / "log", command=SERVE, cwd=tmp_path, PYTHONPATH=path) as server:
        assert version(server) == churn_api.__version__
        module.write_text(text.replace(churn_api.__version__, "98.0"))
        until(lambda: version(server) == "98.0", seconds=60)
        module.write_text("this is no Python\n")
        until(lambda: version(server) is None, seconds=60)
        module.write_text(text.replace(churn_api.__version__, "99.0"))
        until(lambda: version(server) == "99.0", seconds=60)
        assert requests.post(f"{server.url}/api/v1/predict/small", json=CUSTOMER, timeout=30).status_code == 200
    assert version(server) is None, "the server ends with the command"


def test_without_the_extra(tmp_path):
    """Without what watches files the command says in one line how it is installed."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['watchfiles'] = None\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]), "PORT": "0"}
    done = subprocess.run(SERVE, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: --reload needs an extra: pip install 'churn-api[reload]'\n"
