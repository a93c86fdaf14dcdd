"""A year of a company that uses the service as its clients do: it predicts, calls customers, and reports who left.

Every month its customers are scored, and again some days later. Those most at risk are called, and most of them stay.
Some leavers are reported late, some wrongly at first, some have never been predicted. A challenger that looks as good
in training as the live version is tried as a shadow, and then in an A/B test. From the eighth month on customers behave
in another way than the model has learned.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import time_ns
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from flask import Flask
from numpy.typing import NDArray

from churn_api.access.caller import SCOPES
from churn_api.monitoring.labelled_periods import Period
from churn_api.store import clock
from churn_api.training.sample import CONTRACTS, sample_table
from churn_api.training.train import train
from churn_api.training.training_options import TrainingOptions
from churn_api.web.core.app_services import services_of

HORIZON = 30
MONTHS = 12
SHADOW_FROM, AB_FROM, AB_UNTIL = 0, 1, 7
"""The months, from 0, in which each experiment begins, and in which the second ends."""
CHANGED_FROM = 7
"""The first month in which customers behave in another way."""
NAME, LIVE, CHALLENGER = "company", "1", "2"
UNKNOWN_A_MONTH = 20
LATER_NIGHTS = (5, 11)
"""Days after the first on which a customer is scored again, each time with another record."""
_CALLED, _KEPT = 0.3, 0.9
"""The share of customers who are called, and of called leavers the share that stays."""
_LATE, _WRONG, _EACH = 0, 1, 12
"""Of each 12 reports the first is late, and the second wrong at first."""
_NIGHTS_APART = 4
_BATCH = 1000


class Month(NamedTuple):
    """Customers that were scored in one month, and what is true of them."""

    period: Period
    customers: pd.DataFrame
    """A row a customer: `id`, `day`, `probability`, `version`, `variant` (at first), `left`, `on`, `called`, `kept`."""


def train_versions(folder: Path, rows: int = 600) -> None:
    """Train the live version, and a challenger on a table with two columns that mean the opposite of what is sent.

    Tenure counts the months that are left, and the names of the shortest and the longest contract are exchanged.
    """
    table = sample_table(rows, 3)
    opposite = dict(zip(CONTRACTS, CONTRACTS[::-1], strict=True))
    wrong = table.assign(tenure=72 - table["tenure"], contract=table["contract"].map(opposite))
    options = TrainingOptions(target="churn", identifier="customer_id", horizon_days=HORIZON)
    path = folder / "table.csv"
    for rows_of_version in (table, wrong):
        rows_of_version.to_csv(path, index=False)
        train(path, options, name=NAME, models_dir=folder, progress=_Silent(), estimator="logistic")
    path.unlink()


class Company:
    """A client of the service, a job worker, and the truth about the customers."""

    def __init__(self, app: Flask, customers: int = 800, seed: int = 1) -> None:
        """`app` has the models of `train_versions`, keeps predictions for 500 days, and limits no rates."""
        self.months: list[Month] = []
        self.receipts: list[dict[str, Any]] = []
        """What the service answered to reports, in order."""
        self.experiments: dict[str, str] = {}
        """Their ids, by mode."""
        self.services = services_of(app)
        self._client = app.test_client()
        self._client.environ_base["HTTP_X_API_KEY"] = self.services.keys.create("year", SCOPES, by="year").text
        self._customers = customers
        self._rng = np.random.default_rng(seed)
        self._first = Period.of(datetime.now(UTC).date() - timedelta(days=(MONTHS + 1) * HORIZON), HORIZON).first

    def live_a_year(self) -> None:
        """Month after month: score customers, report those who left in the month before, measure."""
        self.ask("PUT", f"models/{NAME}/live", json={"version": LIVE})
        for month in range(MONTHS):
            self._try_versions(month)
            self._score(month)
            if month:
                self._report(month - 1)
        self._report(MONTHS - 1)

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """What the API answers. Raises AssertionError where it refuses."""
        response = self._client.open(f"/api/v1/{path}", method=method, **request)
        assert response.status_code < 300, response.text
        document: dict[str, Any] = response.get_json()
        return document

    def _start(self, month: int) -> date:
        return self._first + timedelta(days=month * HORIZON)

    def _try_versions(self, month: int) -> None:
        with at(self._start(month)):
            if month in (AB_FROM, AB_UNTIL):
                self.ask("DELETE", f"experiments/{self.experiments['shadow' if month == AB_FROM else 'ab']}")
            mode = {SHADOW_FROM: "shadow", AB_FROM: "ab"}.get(month)
            if mode is not None:
                body = {"model": NAME, "challenger": CHALLENGER, "mode": mode}
                self.experiments[mode] = self.ask("POST", "experiments", json=body)["id"]

    def _score(self, month: int) -> None:
        period = Period(self._start(month), HORIZON)
        rows = sample_table(self._customers, 1000 + month)
        left = (rows.pop("churn") == "Yes").to_numpy()
        if month >= CHANGED_FROM:
            left = _otherwise(left, self._rng)
        rows["customer_id"] = [f"{month}-{number}" for number in range(len(rows))]
        nights = self._rng.integers(0, (HORIZON - max(LATER_NIGHTS) - 1) // _NIGHTS_APART, len(rows)) * _NIGHTS_APART
        days = [period.first + timedelta(days=int(night)) for night in nights]
        said = self._predict(rows, days)
        for later in LATER_NIGHTS:
            others = rows.assign(customer_id=np.roll(rows["customer_id"], later))
            self._predict(others, [day + timedelta(days=later) for day in np.roll(np.array(days), later)])
        self.months.append(Month(period, self._truth(said.assign(day=days), left)))

    def _predict(self, rows: pd.DataFrame, days: list[date]) -> pd.DataFrame:
        """What is answered for n customers, each in the night of a day: a table in the order of the rows."""
        said = []
        for day, of_day in rows.groupby(pd.Series(days, rows.index)):
            for first in range(0, len(of_day), _BATCH):
                records = of_day.iloc[first : first + _BATCH].to_json(orient="records")
                body = f'{{"customers":{records}}}'
                with at(day):
                    answer = self.ask("POST", f"batch-predict/{NAME}", data=body, content_type="application/json")
                    # A shadow is logged with the time at which it was scored.
                    self.services.data_plane.drain()
                # What is the same for all predictions stands outside of them.
                of_all = {"model_version": answer.get("model_version"), "variant": "live"}
                said += [of_all | one for one in answer["predictions"]]
        return pd.DataFrame(said).set_index("customer_id").loc[rows["customer_id"]].reset_index()

    def _truth(self, said: pd.DataFrame, left: NDArray[np.bool_]) -> pd.DataFrame:
        """What becomes of n customers for whom a probability was answered. Each variant calls its own."""
        rank = said.groupby("variant")["churn_probability"].rank(pct=True).to_numpy()
        called = rank > 1 - _CALLED
        kept = called & left & (self._rng.random(len(left)) < _KEPT)
        after = self._rng.integers(1, HORIZON + 1, len(left))
        return pd.DataFrame(
            {
                "id": said["customer_id"],
                "day": said["day"],
                "probability": said["churn_probability"].astype(np.float32).astype(np.float64),
                "version": said["model_version"],
                "variant": said["variant"],
                "left": left & ~kept,
                "on": [day + timedelta(days=int(days)) for day, days in zip(said["day"], after, strict=True)],
                "called": called,
                "kept": kept,
            }
        )

    def _report(self, month: int) -> None:
        """What was heard of a month's customers: most in time, some wrongly or too late; all is declared complete."""
        truth = self.months[month]
        until = truth.period.last + timedelta(days=HORIZON)
        outcomes = list(_outcomes(truth.customers))
        in_time = [
            one | {"left": one["left"] and position % _EACH != _WRONG}
            for position, one in enumerate(outcomes)
            if position % _EACH != _LATE
        ]
        unknown = [_outcome(f"unknown {month} {each}", truth.period.last) for each in range(UNKNOWN_A_MONTH)]
        with at(until + timedelta(days=1)):
            self._send(in_time + unknown)
            self.ask("POST", f"outcomes/complete?model={NAME}", json={"until": until.isoformat()})
            self._work()
            # All of it again: what was reported rightly before changes nothing.
            self._send(outcomes)
            self._work()

    def _send(self, outcomes: list[dict[str, Any]]) -> None:
        for first in range(0, len(outcomes), _BATCH):
            body = {"outcomes": outcomes[first : first + _BATCH]}
            self.receipts.append(self.ask("POST", f"outcomes?model={NAME}", json=body))

    def _work(self) -> None:
        """What the threads of the job worker do from time to time."""
        if self.services.monitoring.prediction_log is not None:
            self.services.monitoring.prediction_log.close()
        self.services.monitoring.log_maintenance.run()
        self.services.monitoring.quality_update.run()


@contextmanager
def at(day: date) -> Iterator[None]:
    """One o'clock in the night of a day, by the clocks of the log and of the database."""
    moment = datetime.combine(day, time(1, tzinfo=UTC))
    passed = time_ns() - int(moment.timestamp()) * 10**9
    with patch.object(clock, "now", lambda _: moment), patch("time.time_ns", lambda: time_ns() - passed):
        yield


class _Silent:
    """Receives the steps of a training."""

    def plan(self, steps: int) -> None: ...

    def step(self, what: str) -> None: ...


def _outcomes(customers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """An outcome of each customer who left or was called."""
    for row in customers[customers["left"] | customers["called"]].itertuples():
        kept_by = {"kept_by": "a discount"} if row.kept else {}
        yield _outcome(row.id, row.on) | {"left": bool(row.left), "contacted": bool(row.called)} | kept_by


def _outcome(customer: str, day: date) -> dict[str, Any]:
    return {"customer_id": customer, "left": True, "on": day.isoformat()}


def _otherwise(left: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Half of the leavers stay, and as many others leave in their place."""
    leavers, loyal = np.flatnonzero(left), np.flatnonzero(~left)
    count = len(leavers) // 2
    changed = left.copy()
    changed[rng.choice(leavers, count, replace=False)] = False
    changed[rng.choice(loyal, count, replace=False)] = True
    return changed
