"""Call lists by jobs and by `churn-api call-list`: the customers whose call gains most, in that order."""

import csv
import io
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest
from builders import customers
from click.testing import CliRunner
from conftest import make_all_live
from office import Office, grouped
from sqlalchemy import select

from churn_api.access.caller import SCOPES
from churn_api.app import create_app
from churn_api.cli import call_list_command, main
from churn_api.cli.scoring_run import run_scoring
from churn_api.monitoring.quality_counts import QualityCounts
from churn_api.monitoring.quality_store import ComputedPeriod, DayKey, replace_period
from churn_api.registry.decision import CostsInForce
from churn_api.registry.model import load_model
from churn_api.scoring.costs import Costs
from churn_api.serving.call_list_options import CallList
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import LISTED_CUSTOMERS
from churn_api.telemetry.job_metrics import JobMetrics
from churn_api.web.core.app_services import services_of
from churn_api.web.core.in_process_api import close

COSTS_ROUTE = "/api/v1/models/small/costs"
COSTS = {"offer": 10, "contact": 1, "value": "MonthlyCharges", "success": 0.3, "months": 12, "margin": 0.5}
TODAY = datetime.now(UTC).date()
TABLE = customers(400, seed=9).drop(columns="Churn").assign(CLTV=np.arange(400) * 2.0)


def submit(client, call_list, data=None, **fields):
    text = TABLE.to_csv(index=False) if data is None else data
    form = {"model": "small", "file": (io.BytesIO(text.encode()), "customers.csv"), "call_list": json.dumps(call_list)}
    return client.post("/api/v1/jobs", data=form | fields)


def listed(app, client, call_list, **fields):
    """The job of a call list, when it is done, and its rows."""
    queued = submit(client, call_list, **fields)
    assert queued.status_code == 202, queued.text
    services = services_of(app)
    services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))
    job = client.get(queued.headers["Location"]).get_json()
    assert job["state"] == "succeeded", job
    result = client.get(job["links"]["result"], buffered=True)
    return job, list(csv.DictReader(io.StringIO(result.text)))


def by_hand(client, worth=lambda row: row["MonthlyCharges"] * 6):
    """Gain, probability and identifier of each customer whose call gains something, largest gain first."""
    body = TABLE.to_csv(index=False).encode()
    accept = {"Accept": "text/csv"}
    answer = client.post(
        "/api/v1/batch-predict/small", data=body, content_type="text/csv", headers=accept, buffered=True
    )
    scored = list(csv.DictReader(io.StringIO(answer.text)))
    costs = Costs(offer=10, contact=1, value=200, success=0.3)
    probabilities = np.array([float(row["churn_probability"]) for row in scored])
    values = np.array([worth(row) for _, row in TABLE.iterrows()])
    gains = costs.gain(probabilities, values)
    order = sorted(np.flatnonzero(gains > 0), key=lambda row: -gains[row])
    return [(scored[row]["customer_id"], probabilities[row], gains[row]) for row in order]


@pytest.fixture
def priced(client):
    """A client of a model with costs."""
    assert client.put(COSTS_ROUTE, json=COSTS).status_code == 200
    return client


def test_list(app, priced):
    """A job's list is the table in the order of the gain, with value, gain, reasons and group, and has its totals."""
    expected = by_hand(priced)
    job, rows = listed(app, priced, {}, keep="Region", reasons="2")
    assert [row["customer_id"] for row in rows] == [identifier for identifier, *_ in expected]
    assert [float(row["churn_probability"]) for row in rows] == [probability for _, probability, _ in expected]
    assert [float(row["gain"]) for row in rows] == pytest.approx([gain for *_, gain in expected])
    kept = ["customer_id", "Region", "churn_probability", "risk_band"]
    reasons = ["reason_1", "reason_1_contribution", "reason_2", "reason_2_contribution"]
    assert list(rows[0]) == [*kept, *reasons, "value", "gain", "group"]
    totals = job["call_list"]
    assert (totals["policy"], totals["called"], totals["control"]) == (1, len(expected), 0)
    assert totals["expected_profit"] == pytest.approx(sum(gain for *_, gain in expected))
    assert totals["profit_low"] < totals["expected_profit"] < totals["profit_high"]
    assert job["rows"] == 400


def test_capacity_and_control(app, priced):
    """With a capacity the list has as many to call, and among them a share that is not to be called."""
    job, rows = listed(app, priced, {"capacity": 50, "control_share": 0.3})
    groups = [row["group"] for row in rows]
    assert groups.count("call") == job["call_list"]["called"] == 50
    assert groups.count("control") == job["call_list"]["control"] > 5
    assert [row["customer_id"] for row in rows] == [identifier for identifier, *_ in by_hand(priced)[: len(rows)]]


def test_budget(app, priced):
    """With a budget the list costs no more than that."""
    job, rows = listed(app, priced, {"budget": 300})
    assert 300 - 11 < job["call_list"]["expected_cost"] <= 300
    assert len(rows) == job["call_list"]["called"]


def test_column_of_values(app, priced):
    """The values may come from a column that the model does not know, as they are."""
    _, rows = listed(app, priced, {"value_column": "CLTV"})
    assert [row["customer_id"] for row in rows] == [one for one, *_ in by_hand(priced, lambda row: row["CLTV"])]
    assert "CLTV" not in rows[0]
    assert float(rows[0]["value"]) > 0


def test_costs_of_the_submission(app, priced):
    """A job decides by the costs that were in force when it was submitted."""
    expected = by_hand(priced)
    queued = submit(priced, {})
    priced.put(COSTS_ROUTE, json=COSTS | {"offer": 90})
    services = services_of(app)
    services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))
    job = priced.get(queued.headers["Location"]).get_json()
    assert (job["call_list"]["policy"], job["call_list"]["called"]) == (1, len(expected))


@pytest.mark.parametrize(
    ("call_list", "pointer"),
    [
        ({"capacity": 0}, "#/call_list/capacity"),
        ({"capacity": 2.5}, "#/call_list/capacity"),
        ({"budget": -1}, "#/call_list/budget"),
        ({"budget": "5000"}, "#/call_list/budget"),
        ({"control_share": 0.6}, "#/call_list/control_share"),
        ({"value_column": ""}, "#/call_list/value_column"),
        ({"value_column": "Contract"}, "#/call_list/value_column"),
        ({"value_column": 7}, "#/call_list/value_column"),
        ({"size": 7}, "#/call_list/size"),
        ([], "#/call_list"),
        ("{", "#/call_list"),
    ],
)
def test_hostile_lists(priced, call_list, pointer):
    """What is no list is refused where it is."""
    answer = submit(priced, call_list)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_refused(client):
    """Without costs there is no list, and a list has no threshold."""
    answer = submit(client, {"capacity": 5})
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/call_list"]
    assert "/costs" in answer.get_json()["errors"][0]["message"]
    client.put(COSTS_ROUTE, json=COSTS)
    answer = submit(client, {"capacity": 5}, threshold="0.5")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/threshold"]


@pytest.mark.parametrize("column", ["Nothing", "Note"])
def test_column_that_is_none(app, priced, column):
    """A job whose column of values is missing, or holds texts, fails and says so, without the texts."""
    text = TABLE.assign(Note="dear").to_csv(index=False)
    queued = submit(priced, {"value_column": column}, text)
    services = services_of(app)
    services.jobs.worker(JobMetrics()).work(services.jobs.queue.claim("test"))
    job = priced.get(queued.headers["Location"]).get_json()
    assert job["state"] == "failed"
    assert "column of values" in job["reason"]["detail"]
    assert "dear" not in job["reason"]["detail"]


def test_command(priced, tmp_path, models_dir, monkeypatch):
    """`churn-api call-list` writes the list that a job makes, in any format, and says what it amounts to."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    source, result = tmp_path / "customers.csv", tmp_path / "calls.parquet"
    TABLE.to_csv(source, index=False)
    command = ["call-list", str(source), "-o", str(result), "--model", "small", "--budget", "300"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    rows = pq.read_table(result).to_pylist()
    assert [row["customer_id"] for row in rows] == [one for one, *_ in by_hand(priced)[: len(rows)]]
    assert f"{len(rows)} to call" in done.output
    assert "profit" in done.output
    refused = CliRunner().invoke(main, ["call-list", str(source), "--model", "default"])
    assert refused.exit_code == 2
    assert "/costs" in str(refused.exception or refused.output) + refused.output


def test_killed(models_dir, tmp_path):
    """A worker and its processes are killed in mid-list, and the next one makes the list of an undisturbed run."""
    office = Office(models_dir)
    table = grouped(tmp_path / "many.parquet", 60)
    costs = Costs(offer=10, contact=1, value="MonthlyCharges", success=0.3, months=12, margin=0.5)
    asked = {"call_list": CallList(costs=costs, policy=1, capacity=3000, control_share=0.1)}
    results = []
    for kills in (0, 2):
        # A list depends on its job: the control group is drawn by it.
        files = office.put(table, "one", costs=CostsInForce(1, costs), **asked)
        for kill in range(kills):
            with office.worker(tmp_path / "worker.log") as worker:
                office.blocks(10 + 20 * kill)
                worker.kill_all()
        with office.worker(tmp_path / "worker.log"):
            job = office.finished()
            office.left("result", "errors.ndjson")
        assert (job.state, job.attempts, job.progress.rows) == ("succeeded", kills + 1, 24_000)
        results.append((files.result.read_bytes(), job.progress.call_list))
        assert results[-1][1].called == 3000
        files.remove()
        office.queue.delete("one")
    assert results[0] == results[1]
    model = load_model(models_dir / "small" / "1")
    assert model.decision is None
    office.services.database.close()


@pytest.fixture
def with_horizon(models_with_horizon, instance, make_key, monkeypatch):
    """An application, and a client, of models that say within how many days customers leave; they have costs."""
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    make_all_live(models_with_horizon, database)
    database.close()
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_with_horizon))
    app = create_app({"MODELS_DIR": str(models_with_horizon), "TESTING": True})
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = make_key(*SCOPES)
    assert client.put(COSTS_ROUTE, json=COSTS).status_code == 200
    yield app, client
    close(app)


def remembered(app):
    """By key, whether each customer that is remembered was to be called."""
    with services_of(app).database.reading() as connection:
        rows = connection.execute(select(LISTED_CUSTOMERS)).all()
    assert len({row.job for row in rows}) <= 1
    return {row.customer: row.called for row in rows}


def as_groups(app, rows):
    """The same of the rows of a list."""
    return {services_of(app).monitoring.customer_keys.key(row["customer_id"]): row["group"] == "call" for row in rows}


def test_remembered(with_horizon):
    """The customers of a list with a control group are remembered by key, where the model has a horizon."""
    app, client = with_horizon
    _, rows = listed(app, client, {"capacity": 60, "control_share": 0.4})
    listed(app, client, {"capacity": 60})
    assert remembered(app) == as_groups(app, rows)
    assert 0 < sum(remembered(app).values()) < len(rows)


def list_by_command(tmp_path, *options):
    """Make a list by the command; returns what it prints, and the rows."""
    source, result = tmp_path / "customers.csv", tmp_path / "calls.csv"
    TABLE.to_csv(source, index=False)
    done = CliRunner().invoke(main, ["call-list", str(source), "-o", str(result), "--model", "small", *options])
    assert done.exit_code == 0, done.output
    return done.output, list(csv.DictReader(io.StringIO(result.read_text())))


def test_remembered_list_of_the_command(with_horizon, tmp_path):
    """Lists of the command are remembered as those of jobs are; the same table listed again takes the first's place."""
    app, _ = with_horizon
    for _ in range(2):
        output, rows = list_by_command(tmp_path, "--capacity", "60", "--control-share", "0.4")
        assert f"{len(rows)} customers remembered" in output
        assert remembered(app) == as_groups(app, rows)
    fewer = list_by_command(tmp_path, "--capacity", "20", "--control-share", "0.4")[1]
    assert remembered(app) == as_groups(app, fewer)
    assert "customers remembered" not in list_by_command(tmp_path, "--capacity", "60")[0]


def test_without_horizon(app, priced, tmp_path, models_dir, monkeypatch):
    """Of a model without a horizon the command says that the effect of calling cannot be measured."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    output, _ = list_by_command(tmp_path, "--capacity", "60", "--control-share", "0.4")
    assert "cannot be measured: train the model with --horizon-days" in output
    assert not remembered(app)


def test_without_log(with_horizon, tmp_path, monkeypatch):
    """Where no predictions are logged the command says that the effect of calling cannot be measured."""
    app, _ = with_horizon
    monkeypatch.setenv("CHURN_LOG_PREDICTIONS", "off")
    output, _ = list_by_command(tmp_path, "--capacity", "60", "--control-share", "0.4")
    assert "cannot be measured: CHURN_LOG_PREDICTIONS is off" in output
    assert not remembered(app)


def test_database_that_goes_away(priced, tmp_path, models_dir, instance, monkeypatch):
    """Where the database is gone when the list is made, the list stands, and the command says what is not known."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    database, gone = instance / "churn.db", instance / "gone.db"

    def run_without(*arguments):
        progress = run_scoring(*arguments)
        database.rename(gone)
        database.mkdir()
        return progress

    monkeypatch.setattr(call_list_command, "run_scoring", run_without)
    output, rows = list_by_command(tmp_path, "--capacity", "60", "--control-share", "0.4")
    assert "the database does not say whether these probabilities are right" in output
    assert len(rows) > 60
    assert "profit" not in output


AMOUNTS = {"expected_cost", "expected_leavers", "expected_kept", "expected_profit", "profit_low", "profit_high"}


@pytest.mark.parametrize("is_off", [True, False])
def test_amounts_with_outcomes(app, priced, tmp_path, models_dir, monkeypatch, is_off):
    """Where outcomes show that probabilities are off, a list has no expected amounts, by a job or by the command."""
    monkeypatch.setenv("CHURN_MODELS_DIR", str(models_dir))
    rng = np.random.default_rng(3)
    probabilities = rng.random(3000)
    left = rng.random(3000) < (probabilities**2 if is_off else probabilities)
    counts = QualityCounts.of(probabilities, left, probabilities > 0.5)
    version = services_of(app).catalog.read()["small"].live
    days = {DayKey(version, "live", TODAY, contacted=False): counts}
    period = ComputedPeriod(TODAY, TODAY, "", days, {}, [])
    replace_period(services_of(app).database, "one", "small", [version], period)
    job, rows = listed(app, priced, {"capacity": 60})
    totals = job["call_list"]
    assert {totals[name] is None for name in AMOUNTS} == {is_off}
    assert totals["calibration"]["value"] == pytest.approx(-1 / 6 if is_off else 0, abs=0.03)
    assert totals["called"] == len(rows) == 60
    output, _ = list_by_command(tmp_path, "--capacity", "60")
    assert ("expected amounts are withheld" in output) == is_off
    assert ("profit" in output) != is_off
