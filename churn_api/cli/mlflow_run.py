"""Logs a training as a run of MLflow, whose own environment variables say to which tracking server."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from churn_api.cli.command_helpers import refuse
from churn_api.registry.bundle import read_card
from churn_api.registry.card import Card
from churn_api.registry.evaluation_report import read_report
from churn_api.registry.global_explanation import read_explanation
from churn_api.registry.headline_metrics import headline_metrics
from churn_api.reports.page import ReportedVersion, html_page

_LIBRARY = "mlflow"
_RATES = ("precision", "recall")


class MlflowExperiment:
    """An experiment on the tracking server. Raises CommandError where the extra is missing or the server not there."""

    def __init__(self, name: str) -> None:
        if find_spec(_LIBRARY) is None:
            refuse("--mlflow needs the extra 'mlflow': pip install 'churn-api[mlflow]'")
        # Set before the import: what is trained here is reported to no one but the tracking server.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # noqa: TID251 - set, not read
        # A server that is not there is refused in seconds, not minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # noqa: TID251 - set, not read
        from mlflow import MlflowClient

        with _refusing("MLflow's tracking server cannot be used"):
            self._client = MlflowClient()
            found = self._client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage != "active":
                refuse(f"--mlflow: the experiment {name!r} is deleted; restore it, or name another")
            self._id = found.experiment_id if found is not None else self._client.create_experiment(name)

    def log(self, folder: Path) -> str:
        """Log the bundle in a folder as a finished run, and return the run's id. Raises CommandError."""
        card = read_card(folder)
        report, explanation = read_report(folder, card), read_explanation(folder, card)
        with _refusing(f"version {card.version} is written, but the run could not be logged"):
            run = self._client.create_run(self._id, run_name=f"{card.name} {card.version}", tags=_tags(card))
            status = "FAILED"
            try:
                self._log_values(run.info.run_id, card)
                self._client.log_artifacts(run.info.run_id, str(folder), "bundle")
                if report is not None:
                    self._log_page(run.info.run_id, html_page(ReportedVersion(card, report, explanation)))
                status = "FINISHED"
            finally:
                self._client.set_terminated(run.info.run_id, status)
        return str(run.info.run_id)

    def _log_values(self, run: str, card: Card) -> None:
        for name, value in _params(card).items():
            self._client.log_param(run, name, value)
        for name, value in _metrics(card).items():
            self._client.log_metric(run, name, value)

    def _log_page(self, run: str, page: str) -> None:
        with TemporaryDirectory(prefix="churn-api-") as folder:
            path = Path(folder) / "report.html"
            path.write_text(page, encoding="utf-8")
            self._client.log_artifact(run, str(path))


def _params(card: Card) -> dict[str, Any]:
    """What was decided: the model, how it learned, and how it was evaluated; what was not decided is left out."""
    chosen = card.metrics["chosen"]
    decided = {
        "model": card.name,
        "version": card.version,
        "target": card.signature.target.name,
        "horizon_days": card.signature.target.horizon_days,
        "features": len(card.signature.features),
        "estimator": chosen,
        "calibrator": card.metrics["calibration"]["method"],
        "threshold_by": card.metrics["threshold"]["chosen_by"],
        "calls": card.metrics["threshold"]["calls"],
        "holdout_sha256": (card.metrics["holdout"] or {}).get("sha256"),
        **card.metrics["learning"],
        **card.metrics["folds"],
    }
    return {name: value for name, value in decided.items() if value is not None}


def _metrics(card: Card) -> dict[str, float]:
    """The headline metrics, the threshold with what it does, and each candidate's log loss and ROC-AUC."""
    threshold = card.metrics["threshold"]
    measured: dict[str, Any] = {
        **headline_metrics(card),
        "threshold": threshold["value"],
        **{name: threshold[name] for name in _RATES},
        "training_rows": card.training.rows,
        "base_rate": card.training.base_rate,
    }
    for candidate, summary in card.metrics["candidates"].items():
        measured |= {f"{candidate}.{name}": summary[name]["mean"] for name in ("log_loss", "roc_auc")}
    return measured


def _tags(card: Card) -> dict[str, str]:
    return {
        "churn_api.version": card.libraries["churn-api"],
        "churn_api.table_sha256": card.training.sha256 or "",
        "churn_api.scorer": card.scorer,
    }


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Report MLflow's errors as CommandError, one line; what it prints and logs is kept out of results."""
    from mlflow.exceptions import MlflowException

    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (MlflowException, OSError) as error:
        refuse(f"--mlflow: {what}: {str(error).split(' (Caused by')[0][:300]}")
