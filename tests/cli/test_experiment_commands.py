"""`churn-api experiments`: start, list, show, stop."""

import json

import pytest
from click.testing import CliRunner

from churn_api.cli import main


@pytest.fixture
def run(models_dir, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    assert CliRunner().invoke(main, ["models", "live", "small", "1"]).exit_code == 0
    return lambda *arguments: CliRunner().invoke(main, ["experiments", *arguments])


def test_from_start_to_stop(run):
    """An experiment is started, listed, shown by its model's name, and stopped with a reason."""
    done = run("start", "small", "2", "--mode", "canary", "--share", "0.1")
    assert (done.exit_code, "version 2 runs alongside version 1" in done.stdout) == (0, True)
    (listed,) = json.loads(run("list", "--json").stdout)
    assert (listed["mode"], listed["share"], listed["state"]) == ("canary", 0.1, "running")
    assert "10.00%" in run("list").stdout
    shown = run("show", "small")
    assert shown.exit_code == 0
    assert "0 outcomes are too few: 200 mature outcomes, 100 of each version are needed." in shown.stdout
    assert json.loads(run("show", listed["id"], "--json").stdout)["id"] == listed["id"]
    assert run("stop", "small", "--reason", "enough seen").exit_code == 0
    assert "stopped: enough seen" in run("list", "--model", "small").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("start", "small", "1"), "is live"),
        (("start", "small", "9"), "there is no version 9"),
        (("start", "smal", "2"), "Did you mean 'small'"),
        (("start", "small", "2", "--mode", "shadow", "--share", "0.5"), "answers no customer"),
        (("show", "small"), "no experiment"),
        (("stop", "nothing"), "no experiment"),
    ],
)
def test_what_is_refused(run, arguments, words):
    """What is not possible ends the command with 2 and one line that says why."""
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_challenger_that_does_not_read_alike(run):
    """A version that would refuse what the live version accepts is named with the feature."""
    CliRunner().invoke(main, ["models", "live", "small", "2"])
    done = run("start", "small", "1")
    assert (done.exit_code, "'Region' does not accept every value" in done.stderr) == (2, True)
