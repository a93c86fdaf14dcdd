"""With AUTH=open, a server that would listen beyond loopback does not start, whatever configured it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import GUNICORN, ROOT

from churn_api.access.loopback import check_addresses
from churn_api.config import ConfigError, load_settings

FLASK = str(Path(sys.executable).with_name("flask"))


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        ([GUNICORN, "--bind", "0.0.0.0:0", "wsgi:app"], {}),
        ([GUNICORN, "wsgi:app"], {"GUNICORN_CMD_ARGS": "--bind=127.0.0.1:0 --bind=127.evil.example:0"}),
        ([FLASK, "run", "-h", "0.0.0.0", "-p", "0"], {}),  # noqa: S104
        ([FLASK, "run", "-p", "0"], {"FLASK_RUN_HOST": "::"}),
    ],
    ids=["-b", "GUNICORN_CMD_ARGS", "flask run -h", "FLASK_RUN_HOST"],
)
def test_refused_beyond_loopback(command, environment, tmp_path):
    """An address beyond loopback is refused with one line, whether an option, a variable or a name gives it."""
    environment = os.environ | {"CHURN_MODELS_DIR": str(tmp_path), "FLASK_APP": "wsgi"} | environment
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "CHURN_ALLOW_OPEN=1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "localhost", "::1", "[::1]"])
def test_loopback(address):
    """Addresses and names of loopback are fit for an open AUTH."""
    check_addresses(load_settings(), [address])


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "192.0.2.7", "127.evil.example", "unix:/run/a.sock"])  # noqa: S104
def test_beyond_loopback(address, monkeypatch):
    """Every other address is refused, a socket's path too, unless that is said to be meant."""
    with pytest.raises(ConfigError, match="CHURN_ALLOW_OPEN=1"):
        check_addresses(load_settings(), ["127.0.0.1", address])
    monkeypatch.setenv("CHURN_ALLOW_OPEN", "1")
    check_addresses(load_settings(), [address])
