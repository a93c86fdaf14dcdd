"""The route `/status`, for operators."""

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
    """Show the versions that each worker serves, the length of the job queue, and the rate limits in force.

    A version is live everywhere when all workers report it with the same generation.
    """
    now = datetime.now(UTC)
    alive = [
        worker._asdict() | {"uptime_seconds": round((now - worker.started_at).total_seconds(), 1)}
        for worker in workers(services().database)
    ]
    live = {
        name: {"version": entry.live, "generation": entry.generation}
        for name, entry in services().catalog.read().items()
    }
    depth = services().jobs.queue.depth()
    return jsonify(
        {
            "version": __version__,
            "timestamp": now,
            "models": live,
            "workers": alive,
            "jobs": {**depth.jobs, "oldest_seconds": round(depth.oldest_seconds, 1)},
            "limits": rates(current_app),
        }
    )
