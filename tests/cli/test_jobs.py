"""`churn-api jobs`, as used in a shell."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.jobs.job import Request
from churn_api.jobs.queue import Queue
from churn_api.serving.scoring_progress import Progress
from churn_api.store.database import Database

REQUEST = Request("telco", "2", "d" * 64, "csv", "parquet", None, "skip", ["Region"], "", "local")
HALF = Progress(blocks=1, stop=100, rows=10, lines=10, done=100, total=200)


@pytest.fixture
def queue(instance):
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    yield Queue(database, lease=timedelta(seconds=30), max_attempts=3)
    database.close()


@pytest.fixture
def ended(queue, instance):
    """A finished job, a half done one, and a queued one."""
    for job_id in ("ended", "running", "queued"):
        queue.put(REQUEST, id=job_id, owner="key:a", owner_name="crm")
        (instance / "jobs" / job_id).mkdir(parents=True)
        (instance / "jobs" / job_id / "input").write_bytes(b"x" * 50)
    queue.succeed(queue.claim("w"), HALF, 10)
    queue.advance(queue.claim("w"), HALF)
    return instance / "jobs"


def run(*arguments):
    return CliRunner().invoke(main, ["jobs", *arguments])


def test_list(ended):
    """Jobs are listed newest first, as a table or JSON, and filtered by state."""
    assert [job["id"] for job in json.loads(run("list", "--json").stdout)] == ["queued", "running", "ended"]
    assert [job["id"] for job in json.loads(run("list", "--json", "--limit", "1").stdout)] == ["queued"]
    lines = run("list", "--state", "running").stdout.splitlines()
    assert lines[1].split()[:6] == ["running", "running", "50%", "10", "telco/2", "crm"]
    assert len(lines) == 2


def test_list_nothing(queue):
    """Where there is no job, an empty list is printed."""
    assert json.loads(run("list", "--json").stdout) == []


def test_show(ended):
    """A job is shown with its request and its progress."""
    shown = json.loads(run("show", "running").stdout)
    assert (shown["state"], shown["percent"], shown["attempts"]) == ("running", 50, 1)
    assert shown["request"]["keep"] == ["Region"]
    assert shown["progress"]["rows"] == 10
    assert shown["rate"] > 0
    assert shown["seconds_left"] > 0


def test_cancel(ended, queue):
    """A queued job is cancelled at once, a running one by its worker, and both are in the audit log."""
    assert run("cancel", "queued").stdout == "queued is cancelled\n"
    assert run("cancel", "running").stdout == "running is cancelled as soon as its worker stops\n"
    assert queue.get("running").cancel_asked
    lines = CliRunner().invoke(main, ["audit", "--json"]).stdout.splitlines()
    acts = [json.loads(line) for line in lines]
    assert [(act["action"], act["subject"]) for act in acts] == [("jobs.cancel", "running"), ("jobs.cancel", "queued")]
    assert all(act["actor"].startswith("command") for act in acts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "none"], "there is no job 'none'"),
        (["cancel", "none"], "there is no job 'none'"),
        (["cancel", "ended"], "job ended is over: succeeded"),
        (["list", "--state", "done"], "'queued', 'running', 'succeeded', 'failed', 'cancelled'"),
        (["prune", "--days", "-1"], "--days"),
        (["prune", "--days", "nan"], "--days"),
        (["prune", "--days", "inf"], "--days"),
        (["prune", "--days", "1e300"], "--days"),
    ],
)
def test_refusals(ended, arguments, message):
    """Errors end with code 2 and a reason."""
    done = run(*arguments)
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr


def test_prune(ended, queue):
    """Finished jobs are removed, `--dry-run` lists them first, and the audit log has their number."""
    assert run("prune").stderr == "0 removed, 0 bytes\n"
    dry = run("prune", "--bytes", "120", "--dry-run")
    assert (dry.stdout, dry.stderr) == ("ended  50 bytes  space\n", "1 would be removed, 50 bytes\n")
    assert (ended / "ended").exists()
    done = run("prune", "--days", "0")
    assert (done.stdout, done.stderr) == ("ended  50 bytes  age\n", "1 removed, 50 bytes\n")
    assert queue.ids() == {path.name for path in ended.iterdir()} == {"running", "queued"}
    (act,) = [json.loads(line) for line in CliRunner().invoke(main, ["audit", "--json"]).stdout.splitlines()]
    assert (act["action"], act["detail"]) == ("jobs.prune", {"jobs": 1, "bytes": 50})


def test_prune_by_settings(ended, monkeypatch):
    """Without options, the settings say how long and how much is kept."""
    assert run("prune", "--dry-run").stdout == ""
    monkeypatch.setenv("CHURN_JOB_KEEP_BYTES", "120")
    assert run("prune", "--dry-run").stdout == "ended  50 bytes  space\n"
    monkeypatch.setenv("CHURN_JOB_KEEP_DAYS", "0")
    assert run("prune", "--dry-run").stdout == "ended  50 bytes  age\n"


def test_prune_what_cannot_be_removed(ended, queue, monkeypatch):
    """A folder that cannot be removed ends the command with one line, and its job stays in the database."""

    def fail(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("shutil.rmtree", fail)
    done = run("prune", "--days", "0")
    assert (done.exit_code, "cannot be removed: Permission denied" in done.stderr) == (2, True)
    assert "ended" in queue.ids()


@pytest.mark.parametrize("command", ["", "list", "show", "cancel", "prune"])
def test_help(command):
    """Every command explains itself."""
    done = run(*command.split(), "--help")
    assert (done.exit_code, "Usage:" in done.stdout) == (0, True)


def test_no_database(instance):
    """Before the first `db upgrade`, every command says what to run."""
    (instance / "churn.db").unlink()
    for arguments in (("list",), ("show", "x"), ("cancel", "x"), ("prune",)):
        done = run(*arguments)
        assert (done.exit_code, "churn-api db upgrade" in done.stderr) == (2, True)
