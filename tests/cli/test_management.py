"""`churn-api keys` and `churn-api models`, as used in a shell."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from churn_api.access.keys import KEY
from churn_api.cli import main


@pytest.fixture
def models(models_dir, instance, empty_database, tmp_path, monkeypatch):
    """Bundles that are not registered yet."""
    shutil.copy(empty_database, instance / "churn.db")
    folder = shutil.copytree(models_dir, tmp_path / "models")
    monkeypatch.setenv("CHURN_MODELS_DIR", str(folder))
    return folder


@pytest.fixture
def run(models):
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_a_keys_life(run):
    """A key is created and printed once, listed without its text, rotated, and revoked."""
    made = run("keys", "create", "--name", "crm", "--scopes", "predict, jobs", "--expires", "90d", "--rate", "5/minute")
    assert made.exit_code == 0
    assert KEY.fullmatch(made.stdout.strip())
    assert "Keep it now" in made.stderr
    (listed,) = json.loads(run("keys", "list", "--json").stdout)
    assert (listed["scopes"], listed["rate"], listed["state"]) == ("jobs,predict", "5/minute", "active")
    assert made.stdout.strip() not in run("keys", "list").stdout
    assert KEY.fullmatch(run("keys", "rotate", "crm", "--grace", "1h").stdout.strip())
    revoked = run("keys", "revoke", "crm")
    assert revoked.stdout.count("revoked ") == 2
    assert {row["state"] for row in json.loads(run("keys", "list", "--json").stdout)} == {"revoked"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--name", "crm", "--scopes", "predicts"], "Did you mean 'predict'?"),
        (["create", "--name", "crm", "--scopes", ","], "needs a scope"),
        (["create", "--name", "a b", "--scopes", "predict"], "letters, digits"),
        (["create", "--name", "crm", "--scopes", "predict", "--rate", "often"], "600/minute"),
        (["create", "--name", "crm", "--scopes", "predict", "--expires", "soon"], "as in 90d"),
        (["revoke", "nobody"], "no active key named 'nobody'"),
        (["rotate", "nobody"], "no active key named 'nobody'"),
    ],
)
def test_refusals(run, arguments, message):
    """Errors end with code 2 and one line of advice, and write nothing."""
    done = run("keys", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert json.loads(run("keys", "list", "--json").stdout) == []


def states(model):
    """The live version, the registered versions, and the others of a model."""
    return model["live"], model["versions"], model["not_registered"]


def test_list_has_dates_and_metrics(run, models):
    """`models list` has each version's state, date, rows and metrics; a bundle that cannot be read says so."""
    run("models", "live", "small", "2")
    (models / "small" / "1" / "card.json").write_text("{}")
    listed = {row["name"]: row for row in json.loads(run("models", "list", "--json").stdout)}
    assert listed["small"]["bundles"]["2"]["metrics"]["roc_auc"] > 0.6
    assert "card.json cannot be read" in listed["small"]["bundles"]["1"]["error"]
    lines = run("models", "list").stdout.splitlines()
    assert lines[0].split()[:5] == ["name", "version", "state", "created", "rows"]
    (live,) = [line for line in lines if line.startswith("small") and " live " in line]
    assert "  300  " in live
    assert f"{listed['small']['bundles']['2']['metrics']['roc_auc']:.4f}" in live


def test_list_of_missing_files(run, models):
    """A registered version whose files are gone is listed."""
    run("models", "live", "small", "2")
    shutil.rmtree(models / "small" / "2")
    assert "live, there are no files" in run("models", "list").stdout


def test_a_models_life(run):
    """Bundles are listed before they are registered, made live in one step, and unloaded."""
    first = {row["name"]: row for row in json.loads(run("models", "list", "--json").stdout)}
    assert states(first["small"]) == (None, [], ["1", "2"])
    assert run("models", "live", "small", "2").stdout == "small: version 2 is live\n"
    assert run("models", "register", "small/1").stdout == "small, version 1, is registered\n"
    after = {row["name"]: row for row in json.loads(run("models", "list", "--json").stdout)}
    assert states(after["small"]) == ("2", ["1", "2"], [])
    assert json.loads(run("models", "show", "small", "2").stdout)["version"] == "2"
    assert run("models", "unload", "small").exit_code == 0
    assert "small" in run("models", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["live", "small", "9"], "no version 9"),
        (["live", "nobody", "1"], "no version 1"),
        (["register", "../small/1"], "<name>/<version>"),
        (["unload", "nobody"], "no model 'nobody'"),
        (["show", "small", "9"], "cannot be read"),
    ],
)
def test_model_refusals(run, arguments, message):
    """Errors with models end with code 2 and one line."""
    done = run("models", *arguments)
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr


def test_a_broken_bundle_is_refused(run, models):
    """A bundle whose files were changed is neither registered nor made live."""
    (models / "small" / "1" / "model.onnx").write_bytes(b"changed")
    for arguments in (("register", "small/1"), ("live", "small", "1")):
        done = run("models", *arguments)
        assert done.exit_code == 2
        assert "model.onnx is not the file that was packaged" in done.stderr


def test_audit(run):
    """The audit log is shown newest first, as a table or JSON."""
    run("keys", "create", "--name", "crm", "--scopes", "predict")
    run("models", "live", "small", "1")
    acts = [json.loads(line) for line in run("audit", "--json").stdout.splitlines()]
    assert [act["action"] for act in acts] == ["models.live", "models.register", "keys.create", "secrets.note"]
    assert all(act["actor"].startswith("command") for act in acts)
    assert "keys.create" in run("audit", "--limit", "3").stdout


def test_a_name_forges_no_line_of_the_audit(run, instance):
    """An actor's name with line feeds and escapes is one line of the audit log: unprintable characters are escaped."""
    with closing(sqlite3.connect(instance / "churn.db")) as database, database:
        act = (
            "2026-11-20 09:00:00",
            "crm\n2026-11-20 10:00:00  root  keys.revoke\x1b[2K",
            "models.live",
            "small",
            "{}",
        )
        database.execute("INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)", act)
    (_, line) = run("audit").stdout.splitlines()
    assert r"crm\n2026-11-20 10:00:00  root  keys.revoke\x1b[2K" in line


@pytest.mark.parametrize("command", ["keys", "keys create", "models", "models live", "db", "db upgrade", "audit"])
def test_help(run, command):
    """Every command explains itself."""
    done = run(*command.split(), "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


def test_no_database(run, instance):
    """Before the first `db upgrade`, every command says what to run."""
    (instance / "churn.db").unlink()
    for arguments in (("keys", "list"), ("models", "list"), ("audit",)):
        done = run(*arguments)
        assert (done.exit_code, "churn-api db upgrade" in done.stderr) == (2, True)


def test_database_away(run, monkeypatch):
    """A database that cannot be reached ends a command with one line, which holds no password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")
    done = run("keys", "list")
    assert done.exit_code == 2
    assert "the database 127.0.0.1:1/none is away" in done.stderr
    assert "secret" not in done.output


def test_show_without_a_version(run):
    """`models show NAME` prints the card of the live version, else of the newest."""
    assert json.loads(run("models", "show", "small").stdout)["version"] == "2"
    run("models", "live", "small", "1")
    assert json.loads(run("models", "show", "small").stdout)["version"] == "1"
    assert json.loads(run("models", "show", "small", "2").stdout)["version"] == "2"


@pytest.mark.parametrize("command", [["show", "smal"], ["unload", "smal"]])
def test_misspelt_model(run, command):
    """A misspelt model gets a hint."""
    done = run("models", *command)
    assert done.exit_code == 2
    assert "Did you mean 'small'?" in done.stderr


def test_backups_are_kept(run, tmp_path):
    """A backup replaces an existing file only with --overwrite."""
    file = tmp_path / "backup.db"
    file.write_text("yesterday's")
    refused = run("db", "backup", str(file))
    assert (refused.exit_code, "--overwrite" in refused.stderr) == (2, True)
    assert file.read_text() == "yesterday's"
    assert run("db", "backup", str(file), "--overwrite").exit_code == 0
    assert file.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize(
    "arguments",
    [
        ["jobs", "list", "--limit", "\N{ARABIC-INDIC DIGIT FIVE}"],
        ["jobs", "prune", "--days", "1_0"],
        ["score", "x.csv", "--threshold", "\N{ARABIC-INDIC DIGIT ONE}"],
        ["sample-data", "--rows", "1_000"],
        ["keys", "create", "--name", "a", "--scopes", "predict", "--expires", "\N{ARABIC-INDIC DIGIT ONE}d"],
    ],
)
def test_digits(run, arguments):
    """Numbers on a command line must have ASCII digits."""
    assert run(*arguments).exit_code == 2
