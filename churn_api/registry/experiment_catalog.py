"""The experiments of one database: start, stop, list. Every process that serves follows the running ones."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from churn_api.registry.catalog import Conflict
from churn_api.registry.experiment import Experiment, Mode
from churn_api.registry.experiment_rows import experiment_of, insert_experiment, stop_experiment, store_result
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import EXPERIMENTS
from churn_api.store.tables import LIVE

_ID = re.compile("[0-9a-f]{1,32}")
"""Clients may send any text as an id, and databases reject some texts."""


class UnknownExperiment(LookupError):
    """There is no experiment with this id."""


class ExperimentCatalog:
    """Every method raises DatabaseAway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, model: str, challenger: str, mode: Mode, share: int, *, by: str) -> Experiment:
        """Put a registered version alongside the live one. `share` is in ten-thousandths.

        Raises Conflict where no version or this one is live, or where another experiment of the model runs.
        """
        try:
            with self._database.transaction() as connection:
                locked = select(LIVE.c.version).where(LIVE.c.model == model).with_for_update()
                live = connection.execute(locked).scalar_one_or_none()
                if live is None or live == challenger:
                    raise Conflict(
                        f"version {challenger} of {model!r} is live" if live else f"no version of {model!r} is live"
                    )
                now = clock.now(connection)
                experiment = Experiment.new(model, live, challenger, mode, share, now, by)
                insert_experiment(connection, experiment)
        except IntegrityError as error:
            raise Conflict(f"an experiment with {model!r} runs: stop it first") from error
        return experiment

    def stop(self, id_: str, *, by: str, reason: str, evidence: dict[str, Any] | None = None) -> Experiment:
        """Stop a running experiment. Raises UnknownExperiment, or Conflict where it was stopped before."""
        experiment = self.get(id_)
        with self._database.transaction() as connection:
            stopped = stop_experiment(connection, experiment, by=by, reason=reason, evidence=evidence)
        if not stopped:
            raise Conflict("the experiment is over")
        return self.get(id_)

    def decide(self, experiment: Experiment, result: dict[str, Any], *, by: str) -> bool:
        """Store what outcomes have decided. False where that was done before."""
        with self._database.transaction() as connection:
            return store_result(connection, experiment, result, by=by)

    def get(self, id_: str) -> Experiment:
        """One experiment. Raises UnknownExperiment."""
        if not _ID.fullmatch(id_):
            raise UnknownExperiment(id_)
        with self._database.reading() as connection:
            row = connection.execute(select(EXPERIMENTS).where(EXPERIMENTS.c.id == id_)).one_or_none()
        if row is None:
            raise UnknownExperiment(id_)
        return experiment_of(row)

    def between(self, model: str, start: datetime, end: datetime) -> tuple[Experiment, ...]:
        """Those of a model that ran at any time between two moments."""
        started, stopped = EXPERIMENTS.c.started_at, EXPERIMENTS.c.stopped_at
        running = (EXPERIMENTS.c.model == model, started < end, or_(stopped.is_(None), stopped >= start))
        with self._database.reading() as connection:
            rows = connection.execute(select(EXPERIMENTS).where(*running)).all()
        return tuple(experiment_of(row) for row in rows)

    def list(self, limit: int, *, model: str | None = None, running: bool | None = None) -> Sequence[Experiment]:
        """The newest first; of one model, or only those that run or have ended, where that is given."""
        rows = select(EXPERIMENTS).order_by(EXPERIMENTS.c.started_at.desc(), EXPERIMENTS.c.id).limit(limit)
        if model is not None:
            rows = rows.where(EXPERIMENTS.c.model == model)
        if running is not None:
            stopped = EXPERIMENTS.c.stopped_at
            rows = rows.where(stopped.is_(None) if running else stopped.is_not(None))
        with self._database.reading() as connection:
            return [experiment_of(row) for row in connection.execute(rows)]
