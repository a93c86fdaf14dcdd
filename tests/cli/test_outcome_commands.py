"""`churn-api outcomes` and `churn-api quality`: files of any size; figures as a table, as JSON and as an exit code."""

import json
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import HORIZON
from prediction_logs import Logged, write_day

from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.monitoring.labelled_periods import Period
from churn_api.monitoring.outcome_arrays import read_outcomes
from churn_api.services import Services

FIRST = Period.of(datetime.now(UTC).date() - timedelta(days=60), HORIZON).first


@pytest.fixture
def run(models_dir, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    return lambda *arguments: CliRunner().invoke(main, [*map(str, arguments)])


def stored():
    services = Services(load_settings())
    outcomes, _ = read_outcomes(services.database, "small", date(2020, 1, 1), date(2100, 1, 1))
    services.database.close()
    return outcomes.left.tolist()


def write(path, rows, **options):
    table = pd.DataFrame(rows)
    table.to_csv(path, index=False, **options) if path.suffix == ".csv" else table.to_parquet(path)
    return path


LEFT = [{"customerID": f"c{number}", "left": "Yes", "on": "2026-03-01"} for number in range(1200)]


def test_load(run, tmp_path):
    """A file of any size and format is loaded whole; loading it again changes nothing."""
    done = run("outcomes", "load", write(tmp_path / "left.csv", LEFT), "--model", "small")
    assert (done.exit_code, done.stderr) == (0, "1,200 rows: 1,200 new, 0 reported before\n")
    again = run("outcomes", "load", write(tmp_path / "left.parquet", LEFT), "--model", "small")
    assert (again.exit_code, again.stderr) == (0, "1,200 rows: 0 new, 1,200 reported before\n")
    assert stored() == [True] * 1200


def test_refused(run, tmp_path):
    """A file with a bad cell is refused with its row, and nothing of it is stored."""
    bad = [*LEFT[:3], {"customerID": "x", "left": "so-so", "on": "2026-03-01"}]
    done = run("outcomes", "load", write(tmp_path / "left.csv", bad), "--model", "small")
    assert done.exit_code == 2
    assert "row 5, column 'left'" in done.stderr
    assert "so-so" not in done.stderr
    assert stored() == []
    for arguments in (["none.csv"], [str(tmp_path / "left.csv"), "--until", "2999-01-01"]):
        assert run("outcomes", "load", *arguments, "--model", "small").exit_code == 2
    assert run("outcomes", "complete", "2999-01-01", "--model", "small").exit_code == 2


def test_odd_rows(run, tmp_path):
    """Rows that correct others, or come late, are told by their numbers."""
    run("outcomes", "load", write(tmp_path / "left.csv", LEFT[:2]), "--model", "small", "--until", "2026-04-01")
    rows = [{**LEFT[0], "left": "No"}, {**LEFT[1], "customerID": "late"}]
    done = run("outcomes", "load", write(tmp_path / "next.csv", rows), "--model", "small")
    assert "1 row replace what was reported before: 2" in done.stderr
    assert "2 rows are for days that had been declared complete: figures are computed again: 2, 3" in done.stderr


def live(models, monkeypatch):
    """Services whose live version has a horizon, and a log of predictions that were no better than chance."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models))
    CliRunner().invoke(main, ["models", "register"])
    services = Services(load_settings())
    services.open()
    services.management.make_live("small", "1", by="tests")
    chances = np.random.default_rng(5).random(300).tolist()
    at = datetime.combine(FIRST, time(12, tzinfo=UTC))
    keys = services.monitoring.customer_keys
    rows = [Logged(at, customer=f"c{number}", probability=chance) for number, chance in enumerate(chances)]
    write_day(services.monitoring.log_folder, "small", rows, keys)
    return services


def test_quality(models_with_horizon, tmp_path, monkeypatch):
    """What the worker computed is a table and JSON; a version that is worse than trained ends the command with 3."""
    services = live(models_with_horizon, monkeypatch)
    run = CliRunner().invoke
    empty = run(main, ["quality", "small"])
    assert (empty.exit_code, "No day is declared complete" in empty.stderr) == (0, True)
    rows = [{"customer_id": f"c{n}", "left": "yes", "on": FIRST + timedelta(days=4)} for n in range(0, 300, 2)]
    until = str(FIRST + timedelta(days=40))
    loaded = run(
        main, ["outcomes", "load", str(write(tmp_path / "left.csv", rows)), "--model", "small", "--until", until]
    )
    assert loaded.exit_code == 0, loaded.stderr
    services.monitoring.quality_update.run()
    done = run(main, ["quality", "small", "--days", str(HORIZON)])
    assert done.exit_code == 0
    assert f"1        {FIRST} to {FIRST + timedelta(days=HORIZON - 1)}  300   150" in done.stdout
    assert "worse than it did in training" in done.stderr
    assert run(main, ["quality", "small", "--fail-on-alert"]).exit_code == 3
    document = json.loads(run(main, ["quality", "small", "--json"]).stdout)
    assert (document["alert"], document["complete_until"]) == (True, until)
    assert run(main, ["quality", "smal"]).exit_code == 2
    (measured,) = services.monitoring.measured_or_none()
    assert (measured.model, measured.version, measured.leavers, measured.alert) == ("small", "1", 150, True)
    services.close()
