"""Error handlers for models, versions and jobs that do not exist, or whose state does not allow the request."""

from collections.abc import Callable
from typing import Any

from flask import Response

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.jobs.queue import Finished, KeyReused
from churn_api.jobs.quota import QuotaExceeded
from churn_api.registry.catalog import Conflict
from churn_api.registry.experiment_catalog import UnknownExperiment
from churn_api.registry.management import Unusable
from churn_api.registry.model_errors import OtherKind, UnknownModel, UnknownVersion
from churn_api.scoring.run_errors import RunFailed, RunTooLong
from churn_api.web.core.app_services import live_models
from churn_api.web.core.problems import Problem, body_errors, invalid, response_for
from churn_api.web.core.urls import route_template

QUOTA_RETRY_AFTER = 60
"""Seconds after which a key whose queue is full may try again."""


def _unknown_model(error: UnknownModel) -> Response:
    detail = f"GET {route_template('models.list_models')} lists the models."
    hint = did_you_mean(error.args[0], live_models().names)
    return response_for(Problem("unknown-model", f"{hint} {detail}" if hint else detail))


def _unknown_version(_: UnknownVersion) -> Response:
    return response_for(Problem("unknown-version", f"GET {route_template('models.show_model')} lists its versions."))


def _other_kind(error: OtherKind) -> Response:
    detail = f"{error}. GET {route_template('models.show_model')} shows what it takes."
    return response_for(Problem("other-kind-of-model", detail[0].upper() + detail[1:]))


def _unknown_experiment(_: UnknownExperiment) -> Response:
    detail = f"GET {route_template('experiments.list_experiments')} lists the experiments."
    return response_for(Problem("unknown-experiment", detail))


def _run_failed(error: RunFailed) -> Response:
    return response_for(Problem("not-computable", f"{error}.".capitalize()))


def _run_too_long(error: RunTooLong) -> Response:
    return response_for(Problem("gateway-timeout", f"{error}.".capitalize()))


def _unusable(error: Unusable) -> Response:
    return response_for(invalid(body_errors([Fault("unusable", f"{error}.", path=(error.part,))])))


def _conflict(error: Conflict) -> Response:
    return response_for(Problem("conflict", f"{error}."))


def _job_finished(error: Finished) -> Response:
    return response_for(Problem("conflict", f"The job is over: its state is {error}."))


def _idempotency_key_reused(_: KeyReused) -> Response:
    return response_for(Problem("conflict", "The Idempotency-Key was used for another job."))


def _quota_exceeded(error: QuotaExceeded) -> Response:
    detail = f"{error}. Jobs that end, or are cancelled, make room."
    return response_for(Problem("quota-exceeded", detail, headers={"Retry-After": str(QUOTA_RETRY_AFTER)}))


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    UnknownModel: _unknown_model,
    UnknownVersion: _unknown_version,
    OtherKind: _other_kind,
    UnknownExperiment: _unknown_experiment,
    RunFailed: _run_failed,
    RunTooLong: _run_too_long,
    Unusable: _unusable,
    Conflict: _conflict,
    Finished: _job_finished,
    KeyReused: _idempotency_key_reused,
    QuotaExceeded: _quota_exceeded,
}
