"""Liveness probe, readiness probe and health report."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from churn_api import __version__
from churn_api.registry.live import LiveModels
from churn_api.registry.model_errors import ModelNotReady
from churn_api.web import API_V1
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.draining import is_draining
from churn_api.web.core.health_checks import UNHEALTHY, health_checks, worst
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import RETRY_AFTER, WHEN_NOT_READY, Problem
from churn_api.web.core.schemas import HealthQuerySchema, HealthSchema, ReadySchema, StatusSchema

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
@operation("Health", access=PUBLIC, response=StatusSchema, probe=True, id="getLiveness")
def live() -> ResponseReturnValue:
    """Return 200 while the process responds. Checks nothing else."""
    return jsonify({"status": "alive"})


@blueprint.get("/health/ready")
@operation(
    "Health",
    access=PUBLIC,
    response=ReadySchema,
    problems=WHEN_NOT_READY,
    probe=True,
    id="getReadiness",
)
def ready() -> ResponseReturnValue:
    """Return 200 while predictions can be made, else a 503 that names the part that is not ready."""
    require_ready()
    without_reasons = live_models().without_reasons
    return jsonify({"status": "ready"} | ({"without_reasons": without_reasons} if without_reasons else {}))


def require_ready(model: str | None = None) -> None:
    """Raise Problem (503) or DatabaseAway where predictions of a model cannot be made, or UnknownModel."""
    if is_draining():
        detail = "It answers what it still gets; send new requests elsewhere."
        raise Problem("draining", detail, headers={"Retry-After": str(RETRY_AFTER)}, part="server")
    services().database.ping()
    _require_model(live_models(), model)


@blueprint.get("/health")
@blueprint.get(f"{API_V1}/health")
@operation(
    "Health",
    access=PUBLIC,
    query=HealthQuerySchema,
    response=HealthSchema,
    problems=("model-not-ready",),
    probe=True,
    id="getHealth",
)
def health(query: dict[str, Any]) -> ResponseReturnValue:
    """Report the status of each part.

    The response is a 200 whatever the status is, unless `strict` is set: use /health/ready for probes.
    """
    models, checks = live_models(), health_checks(services())
    status = worst(checks)
    if query["strict"] and status == UNHEALTHY:
        _require_model(models, checks=checks)
    return jsonify(
        {
            "status": status,
            "model_loaded": models.default in models.served,
            "timestamp": datetime.now(UTC),
            "version": __version__,
            "checks": checks,
        }
    )


def _require_model(models: LiveModels, model: str | None = None, **members: Any) -> None:
    """Raise Problem where a model, by default the default one, does not answer; `members` are further members of the
    response.
    """
    try:
        models.get_any(model)
    except ModelNotReady as error:
        raise Problem(
            "model-not-ready",
            f"Model {model or models.default!r}: {error}",
            headers={"Retry-After": str(RETRY_AFTER)},
            part="model",
            **members,
        ) from error
