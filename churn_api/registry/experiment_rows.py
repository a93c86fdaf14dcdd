"""The rows of experiments, read and written in transactions of others."""

import json
from typing import Any

from sqlalchemy import Connection, insert, select, update

from churn_api.registry.experiment import Experiment
from churn_api.store import audit, change_counters, clock
from churn_api.store.monitoring_tables import EXPERIMENTS

_RUNNING = EXPERIMENTS.c.stopped_at.is_(None)


def experiment_of(row: Any) -> Experiment:
    """The experiment in a row, whose columns have the order of the experiment's fields."""
    *values, evidence, result = row
    return Experiment(*values)._replace(evidence=_read(evidence), result=_read(result))


def running_experiments(connection: Connection) -> dict[str, Experiment]:
    """The running experiment of each model that has one, by name."""
    return {row.model: experiment_of(row) for row in connection.execute(select(EXPERIMENTS).where(_RUNNING))}


def insert_experiment(connection: Connection, experiment: Experiment) -> None:
    """Add a running experiment, and record it. Raises IntegrityError where the model has one."""
    values = experiment._asdict() | {"evidence": None, "result": None}
    connection.execute(insert(EXPERIMENTS).values(values))
    detail = {name: values[name] for name in ("champion", "challenger", "mode", "share")}
    _record(connection, experiment.started_by, "experiments.start", experiment, **detail)


def stop_experiment(
    connection: Connection, experiment: Experiment, *, by: str, reason: str, evidence: dict[str, Any] | None = None
) -> bool:
    """Stop a running experiment, and record it with its evidence. False where it has been stopped by another."""
    values: dict[str, Any] = {"stopped_at": clock.now(connection), "stopped_by": by, "reason": reason}
    if evidence is not None:
        values["evidence"] = json.dumps(evidence)
    this = update(EXPERIMENTS).where(EXPERIMENTS.c.id == experiment.id, _RUNNING)
    if connection.execute(this.values(values)).rowcount == 0:
        return False
    _record(connection, by, "experiments.stop", experiment, reason=reason, **(evidence or {}))
    return True


def end_if_other_version(connection: Connection, model: str, live: str | None, *, by: str) -> None:
    """Stop the experiment of a model whose live version is another one now, or none."""
    experiment = running_experiments(connection).get(model)
    if experiment is not None and experiment.champion != live:
        reason = "the model was unloaded" if live is None else f"version {live} was made live"
        stop_experiment(connection, experiment, by=by, reason=reason)


def store_result(connection: Connection, experiment: Experiment, result: dict[str, Any], *, by: str) -> bool:
    """Store and record what outcomes have decided, the first time. False where it was decided before."""
    undecided = update(EXPERIMENTS).where(EXPERIMENTS.c.id == experiment.id, EXPERIMENTS.c.result.is_(None))
    if connection.execute(undecided.values(result=json.dumps(result))).rowcount == 0:
        return False
    _record(connection, by, "experiments.decide", experiment, **result)
    return True


def _read(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


def _record(connection: Connection, by: str, action: str, experiment: Experiment, **detail: Any) -> None:
    audit.record(connection, by, action, experiment.model, experiment=experiment.id, **detail)
    change_counters.bump(connection, "models")
