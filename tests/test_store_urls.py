"""Invalid store URLs are rejected at the start, with one line that contains no secret."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.config import ConfigError, load_settings

SECRET = "hunter2"  # noqa: S105

DATABASES = {
    f"mysql://churn:{SECRET}@db/churn": "Must be an address",
    SECRET: "Must be an address",
    f"postgresql+psycopg2://churn:{SECRET}@db/churn": "The driver for PostgreSQL is psycopg",
    f"postgresql://churn:{SECRET}@db:port/churn": "Must be an address",
    f"postgresql://churn:a/{SECRET}:x@db/@churn": "more than one @",
    f"postgresql://churn:{SECRET}@db:99999/churn": "a port of 1 to 65535",
    f"postgresql://churn:a@{SECRET}@db/churn": "write %40 for @",
    f"postgresql://churn:a?b@{SECRET}@db/churn": "write %40 for @",
    f"postgresql://churn@db/churn?passwort={SECRET}": "Has an option that PostgreSQL does not have",
    f"sqlite://{SECRET}.db": "three slashes",
    f"sqlite:///{SECRET}.db?mode=ro": "takes no options",
    "sqlite://": "name a file",
}
REDIS = {
    f"http://:{SECRET}@redis": "Must be an address",
    f"redis://:{SECRET}@redis:port/0": "Must be an address",
    f"redis://:a/{SECRET}@redis:6379/0": "Must be an address",
    f"redis://redis/0?passwort={SECRET}": "an option",
    f"redis://redis/{SECRET}": "the number of a database",
    f"redis://redis/0?socket_timeout={SECRET}": "Must be an address",
}
COUNTERS = {
    **REDIS,
    f"mongodb://:{SECRET}@mongo": "not installed: pymongo",
    f"async+redis://:{SECRET}@redis": "Must be an address",
}
STORES = {"DATABASE_URL": DATABASES, "REDIS_URL": REDIS, "CHURN_RATELIMIT_STORAGE_URI": COUNTERS}
WRONG = [(variable, url, reported) for variable, wrong in STORES.items() for url, reported in wrong.items()]


@pytest.mark.parametrize(("variable", "url", "reported"), WRONG)
def test_wrong(monkeypatch, variable, url, reported):
    """An invalid URL is rejected by the setting's name, and no part of it is quoted."""
    monkeypatch.setenv(variable, url)
    with pytest.raises(ConfigError) as raised:
        load_settings()
    assert str(raised.value).startswith(f"{variable}: ")
    assert reported in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgres://churn:a%40b@db/churn"),
        ("DATABASE_URL", "postgresql://churn:a/b?c@db:5432/churn?sslmode=require&application_name=churn"),
        ("DATABASE_URL", "postgresql://churn:a@/churn?host=one:5432&host=two:5432&target_session_attrs=read-write"),
        ("DATABASE_URL", "postgresql:///churn?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql+psycopg://churn@[::1]:5432/churn"),
        ("REDIS_URL", "rediss://churn:a%40b@redis:6379/1?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis://redis"),
        ("REDIS_URL", "redis+unix:///run/redis.sock?db=1"),
        ("CHURN_RATELIMIT_STORAGE_URI", "redis+sentinel://one:26379,two:26379/primary"),
        ("CHURN_RATELIMIT_STORAGE_URI", "memory://"),
    ],
)
def test_right(monkeypatch, variable, url):
    """What the clients of a store take is taken."""
    monkeypatch.setenv(variable, url)
    assert url in load_settings().values()


COMMANDS = [["keys", "list"], ["models", "list"], ["jobs", "list"], ["audit"], ["db", "upgrade"]]
UNUSABLE = "cannot be used (it"


@pytest.mark.parametrize("command", [*COMMANDS, ["config"], ["worker"], ["serve"]], ids=" ".join)
def test_commands(monkeypatch, command):
    """Every command that needs the stores ends with code 2 and one line."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://churn:a@{SECRET}@db/churn")
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2
    assert done.output.startswith("Error: DATABASE_URL: Has more than one @")
    assert (done.output.count("\n"), SECRET in done.output) == (1, False)


@pytest.mark.parametrize("made", ["folder", "table", "nowhere"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_database(monkeypatch, tmp_path, command, made):
    """A path that is no SQLite file ends every command that needs it with code 2 and one line."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{_path(tmp_path, made)}")
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    assert UNUSABLE in done.output


def test_a_worker_without_a_database(monkeypatch, tmp_path):
    """Nor does a worker start with one; it is a process of its own, which counts by itself."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}")
    command = [sys.executable, "-m", "churn_api", "worker"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n"), UNUSABLE in done.stderr) == (2, 1, True), done.stderr


def _path(folder, made):
    if made == "table":
        (folder / "churn.csv").write_text("customer_id,tenure\n1,2\n")
        return folder / "churn.csv"
    return folder if made == "folder" else folder / "nowhere" / "churn.db"


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "sqlite:////tmp"),
        ("DATABASE_URL", f"mysql://:{SECRET}@db"),
        ("REDIS_URL", f"redis://{SECRET}:p"),
    ],
    ids=["folder", "mysql", "redis"],
)
def test_server(models_dir, monkeypatch, variable, url):
    """A server does not start either, and says why in one line."""
    monkeypatch.setenv(variable, url)
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    gunicorn = [str(Path(sys.executable).with_name("gunicorn")), "wsgi:app"]
    done = subprocess.run(gunicorn, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[1])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("churn-api: ")
    assert SECRET not in done.stderr
