"""Live quality of a simulated year, compared with what is true of the company's customers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.metrics import roc_auc_score

from benchmarks.report import table_of, write_figures
from benchmarks.servers import ROOT
from benchmarks.simulated_company import HORIZON, NAME, Company, Month, train_versions
from churn_api.app import create_app
from churn_api.store.database import Database
from churn_api.store.schema import upgrade
from churn_api.web.core.in_process_api import close

MONITORING = ROOT / "docs" / "monitoring.md"
SETTINGS = {"LOG_DAYS": 500, "RATELIMIT_ENABLED": False, "TESTING": True}
"""Of an application that a company lives a year with."""
_HEAD = ("month from", "version", "predictions", "left", "ROC-AUC", "true", "expected", "left - mean", "true")


class Truth(NamedTuple):
    """What is true of the customers of a month who were not called."""

    predictions: int
    leavers: int
    roc_auc: float
    calibration: float
    """The share that left less the mean probability."""


def truth(month: Month, version: str, variant: str) -> Truth | None:
    """The truth about the predictions of a version and variant, from the customers themselves; None without any."""
    own = month.customers[(month.customers["version"] == version) & (month.customers["variant"] == variant)]
    own = own[~own["called"]]
    if own.empty:
        return None
    left, probabilities = own["left"].to_numpy(), own["probability"].to_numpy()
    gap = float(left.mean() - probabilities.mean())
    return Truth(len(own), int(left.sum()), float(roc_auc_score(left, probabilities)), gap)


def quality(company: Company) -> dict[str, Any]:
    """What the service says of the year, in windows of 30 days."""
    return company.ask("GET", f"models/{NAME}/quality?days={HORIZON}")


def run(customers: int, *, dry: bool) -> None:
    """Print the table of a year and the verdicts on its experiments, and put them into the documentation."""
    with _lived_year(customers) as company:
        rows = sorted(_rows(company), key=lambda row: (row[1].partition(",")[0], row[0]))
        lines = [f"- `{mode}`: {_verdict(company, id_)}" for mode, id_ in company.experiments.items()]
    write_figures("year", "\n".join([table_of(_HEAD, rows), "", *lines]), document=MONITORING, dry=dry)


@contextmanager
def _lived_year(customers: int) -> Iterator[Company]:
    with tempfile.TemporaryDirectory() as folder:
        train_versions(Path(folder), rows=5000)
        database = Database(f"sqlite:///{folder}/churn.db")
        upgrade(database)
        database.close()
        app = create_app({"MODELS_DIR": folder, "INSTANCE_DIR": folder, **SETTINGS})
        company = Company(app, customers)
        company.live_a_year()
        yield company
        close(app)


def _verdict(company: Company, experiment: str) -> str:
    return str(company.ask("GET", f"experiments/{experiment}")["verdict"]["text"])


def _rows(company: Company) -> Iterator[list[str]]:
    months = {month.period.first.isoformat(): month for month in company.months}
    for one in quality(company)["versions"]:
        for window in one["windows"]:
            area, gap = window["roc_auc"], window["calibration"]
            true = truth(months[window["start"]], one["version"], one["variant"])
            assert true is not None
            yield [
                window["start"],
                f"{one['version']}, {one['variant']}",
                f"{window['predictions']:,}",
                f"{window['leavers']:,}",
                f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})",
                f"{true.roc_auc:.3f}",
                f"{window['expected']['roc_auc']:.3f}",
                f"{gap['value']:+.1%} ({gap['low']:+.1%} to {gap['high']:+.1%})",
                f"{true.calibration:+.1%}",
            ]
