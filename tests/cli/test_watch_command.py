"""`churn-api watch`: the watch as tables, as JSON, and as an exit code."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from builders import customers
from click.testing import CliRunner
from conftest import ROOT

from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.monitoring.hourly_counts import HourKey, write
from churn_api.registry.model import load_model
from churn_api.services import Services


@pytest.fixture
def run(models_dir, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    return lambda *arguments: CliRunner().invoke(main, ["watch", *arguments])


def count_yesterday(models_dir, table):
    """What version 1 of `small` predicted a day ago."""
    model = load_model(models_dir / "small" / "1")
    body = table.drop(columns="Churn").to_json(orient="records").encode()
    columns = model.reader.read_many(b'{"customers":' + body + b"}", 10_000).columns
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
    services = Services(load_settings())
    write(services.database, "test", {HourKey("small", "1", hour): model.bins.count(columns, model.score(columns))})
    services.database.close()


def test_alert(run, models_dir):
    """A feature that drifted is marked, named on stderr, and ends the command with 3 where that is asked for."""
    table = customers(400, seed=8)
    table["tenure"] = table["tenure"] // 12
    count_yesterday(models_dir, table)
    done = run("small", "1")
    assert done.exit_code == 0
    assert "customers are not as in training: tenure" in done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("tenure")]
    assert "drifted" in line
    assert line.endswith("alert")
    assert run("small", "1", "--fail-on-alert").exit_code == 3
    assert json.loads(run("small", "1", "--json").stdout)["alerts"] == ["tenure"]


def test_quiet(run, models_dir):
    """Customers as in training end the command with 0, whatever is asked for."""
    count_yesterday(models_dir, customers(400, seed=7))
    done = run("small", "1", "--fail-on-alert")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "400" in done.stdout


def test_nothing_counted(run):
    """Without predictions it says how many a window needs."""
    assert run("small").stdout == "0 predictions were counted: a window needs 200 to be compared.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("nothing",), "no model named 'nothing'"), (("small", "9"), "no version 9"), (("small", "--days", "0"), "range")],
)
def test_refused(run, arguments, message):
    """What cannot be watched is refused with 2 and one line."""
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_example_of_the_document(run, models_dir):
    """The command of docs/monitoring.md works as it stands, and its tables have the columns that are shown there."""
    text = (ROOT / "docs" / "monitoring.md").read_text()
    (command,) = re.findall(r"^churn-api watch (.*)$", text, re.MULTILINE)
    assert run(*command.split()).exit_code == 0
    count_yesterday(models_dir, customers(400, seed=7))
    printed = run("small", "1").stdout
    for first in ("window", "feature"):
        (shown,) = re.findall(rf"^    ({first}  .*)$", text, re.MULTILINE)
        assert re.split(r" {2,}", shown.strip()) in [re.split(r" {2,}", line.strip()) for line in printed.splitlines()]
