"""Detailed status, for operators."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from churn_api import __version__
from churn_api.access.caller import OPS
from churn_api.registry.worker_reports import workers
from churn_api.web.core.app_services import services
from churn_api.web.core.operation import operation
from churn_api.web.core.rate_limits import rates
from churn_api.web.v1.shared.service_schemas import ServiceStatusSchema

blueprint = Blueprint("status", __name__)


@blueprint.get("/status")
@operation("Health", access=OPS, limit="management", response=ServiceStatusSchema, id="getStatus")
def status() -> ResponseReturnValue:
    """Tell of every worker which versions it answers with, of the queue how long it is, and what limits are in force.

    A version that was made live answers everywhere when every worker names it with the same generation.
    """
    now = datetime.now(UTC)
    told = [
        worker._asdict() | {"uptime_seconds": round((now - worker.started_at).total_seconds(), 1)}
        for worker in workers(services().database)
    ]
    wanted = {
        name: {"version": entry.live, "generation": entry.generation}
        for name, entry in services().catalog.read().items()
    }
    depth = services().queue.depth()
    return jsonify(
        {
            "version": __version__,
            "timestamp": now,
            "models": wanted,
            "workers": told,
            "jobs": {**depth.jobs, "oldest_seconds": round(depth.oldest_seconds, 1)},
            "limits": rates(current_app),
        }
    )
