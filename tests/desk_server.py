"""What the tests of the desk share: models with hostile names, a server that asks for keys, and signed-in pages."""

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from browsing import Seen
from builders import customers, write_csv
from conftest import SECRET, Server, made_once, make_all_live, serving, train_on
from playwright.sync_api import Browser, Page, expect

from churn_api.config import load_settings
from churn_api.monitoring.hourly_counts import HourKey, write
from churn_api.monitoring.outcome_store import declare_complete
from churn_api.monitoring.quality_counts import QualityCounts
from churn_api.monitoring.quality_store import ComputedPeriod, DayKey, replace_period
from churn_api.registry.model import load_model
from churn_api.services import Services

SCRIPT, QUOTED, IMAGE = "<script>alert(1)</script>", 'say "hi"', "<img src=x onerror=alert(1)>"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
EVERYTHING = ("predict", "jobs", "models:read", "models:write")
REFUSED = re.compile(r"Failed to load resource: (?:the server responded with a status of (\d+)|net::(ERR_\w+))")
AWAY = frozenset({"ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"})
"""What a browser reports of a server that has been stopped."""

expect.set_options(timeout=20_000)


class Desk(NamedTuple):
    """A server with a desk, and keys to it."""

    server: Server
    settings: dict[str, Any]

    def make_key(self, *scopes: str, **options: Any) -> str:
        """A key of this server's."""
        services = Services(load_settings(self.settings))
        text = services.keys.create(f"desk {secrets.token_hex(4)}", scopes, by="tests", **options).text
        services.database.close()
        return text


def hostile_customers() -> pd.DataFrame:
    """A table whose columns and choices would be markup, code, or members of every object, were they not text."""
    rng = np.random.default_rng(1)
    days = pd.to_datetime("2025-01-01") + pd.to_timedelta(rng.integers(0, 600, 300), unit="D")
    table = pd.DataFrame(
        {
            SCRIPT: rng.normal(10, 3, 300).round(1),
            QUOTED: rng.choice([IMAGE, 'a"b', "c'd"], 300),
            "__proto__": rng.choice(["Yes", "No"], 300),
            "constructor": rng.integers(0, 9, 300),
            "since": days.strftime("%Y-%m-%d"),
        }
    )
    return table.assign(Churn=np.where(table[SCRIPT] + rng.normal(0, 1, 300) > 10, "Yes", "No"))


def train_hostile(folder: Path) -> None:
    """Two versions of a model with hostile names."""
    for rows in (250, 300):
        table = write_csv(hostile_customers().head(rows), folder / f"{rows}.csv")
        train_on(table, folder, "hostile", identifier=None, estimator="logistic")
        table.unlink()


def desk_settings(folder: Path, models: Path, database: Path) -> dict[str, Any]:
    """Settings of a server that asks for keys, with a folder of models that are all live."""
    shutil.copy(database, folder / "churn.db")
    settings = {"INSTANCE_DIR": str(folder), "METRICS_DIR": str(folder / "metrics"), "MODELS_DIR": str(models)}
    settings |= {"AUTH": "required", "KEY_PEPPER": SECRET, "JWT_SECRET": SECRET, "LOG_SECRET": SECRET}
    settings |= {"RATELIMIT_MANAGEMENT": "1000/minute", "RATELIMIT_PREDICT": "1000/minute"}
    services = Services(load_settings(settings))
    make_all_live(models, services.database)
    services.database.close()
    return settings


def prepare_desk(models_dir: Path, database: Path, factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of a server with one more model, hostile names, and predictions and outcomes of `small`.

    Its tenure drifted in the last three days of a week.
    """
    folder = factory.mktemp("desk")
    models = shutil.copytree(models_dir, folder / "models")
    shutil.copytree(made_once(factory, "hostile", train_hostile), models, dirs_exist_ok=True)
    settings = desk_settings(folder, models, database)
    services = Services(load_settings(settings))
    week = [customers(400, seed=days) for days in range(7)]
    for table in week[4:]:
        table["tenure"] = table["tenure"] // 12
    _predict_daily(services, models / "small" / "2", week)
    _predict_daily(services, models / "hostile" / "2", [hostile_customers()])
    learn_outcomes(services)
    services.database.close()
    return settings


@contextmanager
def desk_server(settings: dict[str, Any], again: Desk | None = None) -> Iterator[Desk]:
    """A server of one worker; `again` is one that has been stopped, in whose place it answers."""
    environment = {f"CHURN_{name}": str(value) for name, value in settings.items()}
    log = Path(settings["INSTANCE_DIR"], f"log-{settings['AUTH']}")
    alive = None
    if again is not None:
        alive, environment["PORT"] = again.server.url, str(again.server.port)
    with serving(Path(settings["MODELS_DIR"]), log, workers=1, alive=alive, **environment) as server:
        yield Desk(server, settings)


def learn_outcomes(services: Services, share: float = 0.7) -> None:
    """Count mature predictions of the live version of `small` on two days of different months.

    Of those predicted to leave a share does: with 1 probabilities are right.
    """
    rng, today = np.random.default_rng(1), datetime.now(UTC).date()
    days = {}
    for day in (today - timedelta(days=95), today - timedelta(days=50)):
        probabilities = rng.random(400)
        left = rng.random(400) < probabilities * share
        days[DayKey("2", "live", day, False)] = QualityCounts.of(probabilities, left, probabilities >= 0.5)
    first, last = today - timedelta(days=95), today - timedelta(days=50)
    replace_period(services.database, "tests", "small", ["2"], ComputedPeriod(first, last, "all", days, {"2": 0}, []))
    declare_complete(services.database, "small", today - timedelta(days=1), by="tests")


def _predict_daily(services: Services, bundle: Path, tables: Sequence[pd.DataFrame]) -> None:
    """Count the predictions about a table of customers on each day until yesterday."""
    model, now = load_model(bundle), datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for days, table in zip(range(len(tables), 0, -1), tables, strict=True):
        body = table.drop(columns="Churn").to_json(orient="records").encode()
        columns = model.reader.read_many(b'{"customers":' + body + b"}", 1000).columns
        key = HourKey(model.card.name, model.card.version, now - timedelta(days=days, hours=1))
        write(services.database, f"day {days}", {key: model.bins.count(columns, model.score(columns))})


@contextmanager
def desk_page(
    browser: Browser, desk: Desk, key: str | None, refused: Set[int | str] = frozenset(), **options: Any
) -> Iterator[Page]:
    """A page of a browser of its own, signed in with a key.

    It complains of nothing but the statuses and network errors in `refused`: no script fails, and no policy is broken.
    """
    context = browser.new_context(**({"viewport": DESKTOP} | options))
    if key is not None:
        context.add_init_script(f"sessionStorage.setItem('churn-desk-key', '{key}')")
    page = context.new_page()
    seen = Seen(page)
    page.on("dialog", lambda dialog: seen.complaints.append(f"a dialog: {dialog.message}"))
    yield page
    matches = [match for complaint in seen.complaints if (match := REFUSED.match(complaint))]
    assert {int(match[1]) if match[1] else match[2] for match in matches} <= refused
    assert [complaint for complaint in seen.complaints if not REFUSED.match(complaint)] == []
    assert all(url.startswith((desk.server.url, "data:", "blob:")) for url in seen.requests)
    assert key is None or not any(key in url for url in seen.requests)
    context.close()


def go(page: Page, desk: Desk, view: str) -> None:
    """Open a view, and wait for its heading."""
    page.goto(f"{desk.server.url}/#/{view}")
    expect(page.locator("main h1")).to_be_visible()
