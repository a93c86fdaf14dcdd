"""`churn-api demo`: a month of simulated predictions that every view of the desk shows."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from churn_api.cli import main
from churn_api.config import load_settings
from churn_api.monitoring.hourly_counts import HourKey, read, write
from churn_api.monitoring.outcome_store import complete_until
from churn_api.registry.model import load_model
from churn_api.services import Services
from churn_api.training.simulated_month import CUSTOMERS, DAYS, DRIFTING, simulated_days

MONTH = timedelta(days=DAYS + 1)


@pytest.fixture
def run(models_dir, monkeypatch):
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    return lambda *arguments: CliRunner().invoke(main, ["demo", *arguments])


@pytest.fixture
def services():
    services = Services(load_settings())
    yield services
    services.database.close()


def counted(services) -> float:
    now = datetime.now(UTC)
    return sum(float(hour.counts.sum()) for hour in read(services.database, "default", "1", now - MONTH, now))


def test_month(run, services, client, models_dir):
    """A month is counted and logged, one feature drifts in the end, leavers are reported, and costs are set."""
    done = run()
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        0,
        f"{DAYS} days with {CUSTOMERS} customers each were scored by default.",
    )
    watch = client.get("/api/v1/models/default/watch?days=40").json
    assert len(watch["windows"]) == DAYS
    assert DRIFTING in watch["alerts"]
    assert watch["windows"][0]["state"] == "quiet"
    assert len(services.monitoring.log_folder.days("default")) == DAYS
    costs = client.get("/api/v1/models/default/costs").json
    assert (costs["decides"], costs["costs"]["value"]) == (True, DRIFTING)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert complete_until(services.database) == {"default": yesterday}
    found = client.get("/api/v1/predictions?customer_id=DEMO000000").json
    assert found["count"] == 1


@pytest.fixture
def two_versions(company_models, tmp_path, monkeypatch):
    """A model whose two versions mean that customers leave within a week."""
    folder = shutil.copytree(company_models, tmp_path / "models")
    for path in folder.glob("*/*/card.json"):
        card = json.loads(path.read_text())
        card["signature"]["target"]["horizon_days"] = 7
        path.write_text(json.dumps(card))
    monkeypatch.setenv("CHURN_MODELS_DIR", str(folder))
    monkeypatch.setenv("CHURN_DEFAULT_MODEL", "company")
    assert CliRunner().invoke(main, ["models", "live", "company", "1"]).exit_code == 0


def test_experiment(two_versions):
    """Another version is the shadow of the live one all month long, and outcomes say which of them is better."""
    done = CliRunner().invoke(main, ["demo"])
    assert (done.exit_code, "with version 2 as a shadow" in done.stderr) == (0, True)
    shown = json.loads(CliRunner().invoke(main, ["experiments", "show", "company", "--json"]).stdout)
    assert (shown["mode"], shown["state"], shown["live_version"], shown["challenger"]) == (
        "shadow",
        "running",
        "1",
        "2",
    )
    assert datetime.fromisoformat(shown["started_at"]) < datetime.now(UTC) - timedelta(days=DAYS - 1)
    assert (shown["counts"]["compared"], shown["counts"]["too_slow"]) == (DAYS * CUSTOMERS, 0)
    mature = (DAYS - 7) * CUSTOMERS
    assert (shown["verdict"]["state"], shown["verdict"]["outcomes"]) == ("decided", mature)
    assert shown["result"]["better"] == "live"


def test_again(run, services):
    """A second run says that the month is there, and adds nothing."""
    assert run().exit_code == 0
    before = counted(services)
    done = run("--seed", "2")
    assert done.exit_code == 0
    assert "The month is there already" in done.stderr
    assert counted(services) == before


def test_real_data(run, services, models_dir):
    """An instance that has predictions of its own is refused, and stays as it is."""
    model = load_model(models_dir / "default" / "1")
    (day, *_) = simulated_days(5, datetime.now(UTC).date())
    columns = model.reader.read_many(day.records, CUSTOMERS).columns
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    counts = model.bins.count(columns, model.score(columns))
    write(services.database, "a worker", {HourKey("default", "1", hour): counts})
    done = run()
    assert done.exit_code == 2
    assert "has predictions or costs of its own" in done.stderr
    assert counted(services) == float(counts.sum())


@pytest.mark.parametrize(("model", "why"), [("small", "features that sample data lack"), ("nothing", "nothing")])
def test_other_model(run, model, why):
    """A model that was trained on another table, or that is not there, is refused."""
    done = run(model)
    assert done.exit_code == 2
    assert why in done.stderr


def test_same_seed():
    """The same seed makes the same month, and no customer comes twice."""
    today = datetime(2026, 11, 26, tzinfo=UTC).date()
    first, second, other = (list(simulated_days(seed, today)) for seed in (1, 1, 500))
    assert first == second
    assert first[0].records != other[0].records
    names = [record["customer_id"] for day in first for record in json.loads(day.records)["customers"]]
    assert len(set(names)) == len(names) == DAYS * CUSTOMERS
    assert {name for day in first for name in day.leavers} < set(names)
