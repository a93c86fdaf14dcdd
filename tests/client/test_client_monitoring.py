"""Drift, live quality, outcomes and call lists by the client, synchronous and asynchronous, on a real server."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import requests
from builders import customers
from called_clients import KINDS, client_of
from conftest import HORIZON, SECRET, make_all_live, serving

from churn_api.config import load_settings
from churn_api.monitoring.hourly_counts import HourKey, write
from churn_api.monitoring.quality_counts import QualityCounts
from churn_api.monitoring.quality_store import ComputedPeriod, DayKey, replace_period
from churn_api.registry.model import load_model
from churn_api.services import Services
from churn_client import InvalidRequest

SCOPES = ("predict", "jobs", "models:read", "models:write", "outcomes")
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAY = NOW.date() - timedelta(days=1)


class Served(NamedTuple):
    """A server, and a key to it."""

    url: str
    key: str

    def get(self, path):
        """What the API answers."""
        return requests.get(f"{self.url}/api/v1/{path}", headers={"X-API-Key": self.key}, timeout=30).json()


@pytest.fixture(scope="module")
def served(models_with_horizon, empty_database, tmp_path_factory):
    """A server of a model with costs, predictions of an hour, and outcomes."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "churn.db").write_bytes(empty_database.read_bytes())
    settings = {"INSTANCE_DIR": str(folder), "MODELS_DIR": str(models_with_horizon), "AUTH": "open", "JOB_WORKER": 1}
    settings |= {"KEY_PEPPER": SECRET, "JWT_SECRET": SECRET, "LOG_SECRET": SECRET, "RATELIMIT_ENABLED": 0}
    services = Services(load_settings(settings))
    make_all_live(models_with_horizon, services.database)
    key = services.keys.create("client", SCOPES, by="tests").text
    fill(services, models_with_horizon / "small" / "1")
    services.database.close()
    environment = {f"CHURN_{name}": str(value) for name, value in settings.items()}
    with serving(models_with_horizon, folder / "log", **environment) as server:
        yield Served(server.url, key)


def fill(services, bundle):
    """Count predictions of an hour, and outcomes of a day."""
    model = load_model(bundle)
    body = customers(400).drop(columns="Churn").to_json(orient="records").encode()
    columns = model.reader.read_many(b'{"customers":' + body + b"}", 1000).columns
    key = HourKey("small", "1", NOW - timedelta(hours=30))
    write(services.database, "tests", {key: model.bins.count(columns, model.score(columns))})
    rng = np.random.default_rng(1)
    probabilities = rng.random(400)
    counts = QualityCounts.of(probabilities, rng.random(400) < probabilities, probabilities >= 0.5)
    days = {DayKey("1", "live", DAY, contacted=False): counts}
    period = ComputedPeriod(DAY, DAY, "all", days, {"1": 0}, [])
    replace_period(services.database, "tests", "small", ["1"], period)


@pytest.fixture(params=KINDS)
def client(request, served):
    with client_of(request.param, served.url, served.key) as client:
        yield client


def shown(answer):
    """An answer as JSON, without members that are not given."""
    return without_none(msgspec.json.decode(msgspec.json.encode(answer)))


def without_none(value):
    if isinstance(value, dict):
        return {name: without_none(one) for name, one in value.items() if one not in (None, [])}
    return [without_none(one) for one in value] if isinstance(value, list) else value


def moments(value):
    """The same with times written in one way."""
    if isinstance(value, dict):
        return {name: moments(one) for name, one in value.items()}
    if isinstance(value, list):
        return [moments(one) for one in value]
    is_time = isinstance(value, str) and "T" in value and value[:4].isdigit()
    return datetime.fromisoformat(value).timestamp() if is_time else value


def test_watch(client, served):
    """The watch is what the API shows, for a version and so many days."""
    watch = client.models.watch("small")
    assert moments(shown(watch)) == moments(without_none(served.get("models/small/watch")))
    assert watch.windows[0].rows == 400
    assert watch.windows[0].features[0].psi >= 0
    assert client.models.watch("small", version=1, days=1).windows == ()


def test_quality(client, served):
    """Live quality is what the API shows, by months or by windows of so many days."""
    quality = client.models.quality("small")
    assert shown(quality) == without_none(served.get("models/small/quality"))
    (window,) = quality.versions[0].windows
    assert window.roc_auc.low < window.roc_auc.value < window.roc_auc.high
    assert quality.versions[0].horizon_days == HORIZON
    (day,) = client.models.quality("small", days=1).versions[0].windows
    assert (day.start, day.end) == (DAY, DAY)


@pytest.mark.parametrize("kind", ["list", "frame", "arrow"])
def test_outcomes(request, client, kind):
    """Outcomes are mappings, a DataFrame or an Arrow table; reported again they change nothing."""
    name = f"{kind}-{request.node.callspec.params['client']}"
    rows = [{"customer_id": f"{name}-{row}", "left": row > 0, "on": DAY} for row in range(3)]
    make = {"list": list, "frame": pd.DataFrame, "arrow": pa.Table.from_pylist}[kind]
    first, second = (client.outcomes.report(make(rows), model="small") for _ in range(2))
    assert (first.model_name, first.received, first.stored, first.unchanged) == ("small", 3, 3, 0)
    assert (second.stored, second.unchanged) == (0, 3)
    assert client.outcomes.complete(DAY, model="small").complete_until == DAY
    with pytest.raises(InvalidRequest) as raised:
        client.outcomes.report([rows[0], {"customer_id": 7, "left": "perhaps", "on": DAY}], model="small")
    assert [fault.pointer for fault in raised.value.faults] == ["#/outcomes/1/left"]


def test_call_list(client, served):
    """A job makes a call list within a capacity, with a control group, and says what it amounts to."""
    costs = {"offer": 10, "contact": 1, "value": 200, "success": 0.3}
    put = requests.put(
        f"{served.url}/api/v1/models/small/costs", json=costs, headers={"X-API-Key": served.key}, timeout=30
    )
    assert put.status_code == 200
    table = customers(200).drop(columns="Churn")
    asked = {"capacity": 20, "control_share": 0.2}
    job = client.jobs.wait(client.jobs.submit(table, model="small", call_list=asked, reasons=1), timeout=60)
    rows = client.jobs.table(job).to_pylist()
    assert (job.call_list.capacity, job.call_list.called, job.call_list.control_share) == (20, 20, 0.2)
    assert [row["group"] for row in rows].count("call") == 20
    assert job.call_list.expected_profit > 0
    assert job.call_list.calibration.low < 0 < job.call_list.calibration.high
