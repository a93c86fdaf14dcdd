"""A year of a company: what it predicted, who left, and how it was told; live quality should find what is true.

Every month its customers are scored, and again some days later. Those most at risk are called, and some of them stay.
A fifth is answered by a challenger that is worse. Some leavers are reported late, some wrongly at first, some have
never been predicted. From the eighth month on customers behave in another way than the model has learned.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.models import make_models
from benchmarks.report import table_of, write_figures
from benchmarks.servers import ROOT
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.labelled_periods import Period
from churn_api.monitoring.log_columns import LOG_SCHEMA
from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.outcome_record import Outcome
from churn_api.monitoring.outcome_store import declare_complete, store
from churn_api.monitoring.quality_document import quality_document
from churn_api.monitoring.quality_update import QualityUpdate
from churn_api.monitoring.version_facts import VersionFacts
from churn_api.registry.model import Model, load_model
from churn_api.store.database import Database
from churn_api.store.schema import upgrade
from churn_api.training.sample import sample_table

MONITORING = ROOT / "docs" / "monitoring.md"
HORIZON = 30
MONTHS = 12
CHANGED_FROM = 7
"""The first month, from 0, in which customers behave in another way."""
NAME, LIVE, CHALLENGER = "company", "1", "2"
UNKNOWN_A_MONTH = 20
_THRESHOLD = 0.4
_NIGHT = time(1, tzinfo=UTC)


class Month(NamedTuple):
    """Customers that were scored in one month, and what is true of them."""

    period: Period
    customers: pd.DataFrame
    """A row a customer: `id`, first `day`, `probability` then, `version`, `left`, `on`, `called`, `kept`."""


class Company:
    """Its log, its database, and the truth about its customers."""

    def __init__(self, database: Database, folder: Path, model: Model, customers: int = 800, seed: int = 1) -> None:
        self.database = database
        self.log = LogFolder(folder)
        self.months: list[Month] = []
        self._keys = CustomerKeys(b"the key of a company that exists in a simulation")
        self._model = model
        self._customers = customers
        self._rng = np.random.default_rng(seed)
        self._first = Period.of(datetime.now(UTC).date() - timedelta(days=(MONTHS + 1) * HORIZON), HORIZON).first
        horizons = {NAME: {LIVE: HORIZON, CHALLENGER: HORIZON}}
        self._update = QualityUpdate(database, self.log, lambda: horizons, self._keys, keep_days=500)

    def live_a_year(self) -> None:
        """Month after month: score customers, hear of those who left in the month before, measure."""
        for month in range(MONTHS):
            self._score(month)
            self._report(month - 1)
        self._report(MONTHS - 1)

    def quality(self) -> dict[str, Any]:
        """What the service says of the year, in windows of 30 days."""
        facts = {version: VersionFacts(HORIZON, {"roc_auc": 0.0}, 0.0) for version in (LIVE, CHALLENGER)}
        return quality_document(self.database, NAME, facts, LIVE, HORIZON)

    def _score(self, month: int) -> None:
        period = Period.of(self._first + timedelta(days=month * HORIZON), HORIZON)
        rows = sample_table(self._customers, 1000 + month)
        records = rows.drop(columns="churn").to_json(orient="records").encode()
        batch = self._model.reader.read_many(b'{"customers":' + records + b"}", self._customers)
        probabilities = self._model.score(batch.columns)
        left = (rows["churn"] == "Yes").to_numpy()
        if month >= CHANGED_FROM:
            left = _otherwise(left, self._rng)
        days = self._rng.integers(0, HORIZON - 12, self._customers)
        self.months.append(Month(period, self._truth(month, period, days, probabilities, left)))
        self._write(self.months[-1])

    def _truth(
        self,
        month: int,
        period: Period,
        days: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        left: NDArray[np.bool_],
    ) -> pd.DataFrame:
        rng, n = self._rng, len(left)
        challenged = np.arange(n) % 5 == 0
        noisy = 1 / (1 + np.exp(-(np.log(probabilities / (1 - probabilities)) + rng.normal(0, 1.5, n))))
        called = (probabilities > np.quantile(probabilities, 0.9)) & (rng.random(n) < 0.7)
        kept = called & left & (rng.random(n) < 0.5)
        first = [period.first + timedelta(days=int(day)) for day in days]
        after = rng.integers(1, HORIZON + 1, n)
        return pd.DataFrame(
            {
                "id": [f"{month}-{number}" for number in range(n)],
                "day": first,
                "probability": np.where(challenged, noisy, probabilities).astype(np.float32).astype(np.float64),
                "version": np.where(challenged, CHALLENGER, LIVE),
                "left": left & ~kept,
                "on": [day + timedelta(days=int(days)) for day, days in zip(first, after, strict=True)],
                "called": called,
                "kept": kept,
            }
        )

    def _write(self, month: Month) -> None:
        """The nights on which each customer is scored: the first, and 5 and 11 days later, with other numbers."""
        for later in (0, 5, 11):
            rows = month.customers.assign(day=[day + timedelta(days=later) for day in month.customers["day"]])
            other = rows["probability"] if later == 0 else 1 - rows["probability"]
            for day, of_day in rows.assign(probability=other).groupby("day"):
                self._write_day(day, later, of_day)

    def _write_day(self, day: date, part: int, rows: pd.DataFrame) -> None:
        n = len(rows)
        columns = {
            "at": [datetime.combine(day, _NIGHT)] * n,
            "request_id": [f"night {day} {part}"] * n,
            "row": list(range(n)),
            "customer": self._keys.keys(rows["id"]),
            "version": rows["version"].tolist(),
            "variant": ["challenger" if version == CHALLENGER else "live" for version in rows["version"]],
            "probability": rows["probability"].tolist(),
            "threshold": [_THRESHOLD] * n,
            "churn": (rows["probability"] >= _THRESHOLD).tolist(),
        }
        path = self.log.day(NAME, day).path
        path.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(pa.table(columns, LOG_SCHEMA), path / f"part-{part:02}.parquet")

    def _report(self, month: int) -> None:
        """What was heard of a month's customers: most in time, some wrongly or too late; all is declared complete."""
        if month < 0:
            return
        truth = self.months[month]
        reported = list(self._outcomes(truth.customers))
        late = {position for position, _ in reported if position % 12 == 0}
        wrong = {position for position, _ in reported if position % 12 == 1}
        in_time = [(p, one._replace(left=p not in wrong and one.left)) for p, one in reported if p not in late]
        unknown = [(-1, self._outcome(f"nobody {month} {each}", truth.period.last)) for each in range(UNKNOWN_A_MONTH)]
        until = truth.period.last + timedelta(days=HORIZON)
        store(self.database, NAME, in_time + unknown, by="simulation")
        declare_complete(self.database, NAME, until, by="simulation")
        self._update.run()
        corrected = [(position, one) for position, one in reported if position in late | wrong]
        again = [(position, one) for position, one in in_time if position not in wrong]
        store(self.database, NAME, [*corrected, *again[:50]], by="simulation")
        self._update.run()

    def _outcomes(self, customers: pd.DataFrame) -> Iterator[tuple[int, Outcome]]:
        """An outcome of each customer who left or was called."""
        heard = customers[customers["left"] | customers["called"]]
        for position, row in enumerate(heard.itertuples()):
            outcome = self._outcome(row.id, row.on)
            kept_by = "a discount" if row.kept else None
            yield position, outcome._replace(left=bool(row.left), contacted=bool(row.called), kept_by=kept_by)

    def _outcome(self, identifier: str, day: date) -> Outcome:
        key = self._keys.key(identifier)
        assert key is not None
        return Outcome(key, by_request=False, day=day, left=True, contacted=False)


def _otherwise(left: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Half of the leavers stay, and as many others leave in their place."""
    leavers, loyal = np.flatnonzero(left), np.flatnonzero(~left)
    count = len(leavers) // 2
    changed = left.copy()
    changed[rng.choice(leavers, count, replace=False)] = False
    changed[rng.choice(loyal, count, replace=False)] = True
    return changed


class Truth(NamedTuple):
    """What is true of the customers of a month who were not called."""

    month: date
    predictions: int
    leavers: int
    roc_auc: float
    calibration: float
    """The share that left less the mean probability."""


def truth(month: Month, version: str) -> Truth:
    """The truth about the predictions of a version, from the customers themselves."""
    own = month.customers[(month.customers["version"] == version) & ~month.customers["called"]]
    left, probabilities = own["left"].to_numpy(), own["probability"].to_numpy()
    gap = float(left.mean() - probabilities.mean())
    return Truth(month.period.first, len(own), int(left.sum()), float(roc_auc_score(left, probabilities)), gap)


def run(customers: int, *, dry: bool) -> None:
    """Print the table of a year, and put it into the documentation."""
    with tempfile.TemporaryDirectory() as folder:
        model = load_model(make_models(Path(folder)) / "logistic" / "1")
        database = Database(f"sqlite:///{folder}/churn.db")
        upgrade(database)
        company = Company(database, Path(folder) / "log", model, customers)
        company.live_a_year()
        rows = list(_rows(company))
        database.close()
    head = [
        "month from",
        "version",
        "predictions",
        "left",
        "ROC-AUC",
        "true",
        "expected",
        "left - mean",
        "true",
    ]
    write_figures("year", table_of(head, rows), document=MONITORING, dry=dry)


def _rows(company: Company) -> Iterator[list[str]]:
    for one in company.quality()["versions"][::-1]:
        for month, window in zip(company.months, one["windows"], strict=True):
            true, area, gap = truth(month, one["version"]), window["roc_auc"], window["calibration"]
            yield [
                window["start"].isoformat(),
                f"{one['version']}, {one['variant']}",
                f"{window['predictions']:,}",
                f"{window['leavers']:,}",
                f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})",
                f"{true.roc_auc:.3f}",
                f"{window['expected']['roc_auc']:.3f}",
                f"{gap['value']:+.1%} ({gap['low']:+.1%} to {gap['high']:+.1%})",
                f"{true.calibration:+.1%}",
            ]
