"""Whether the service is alive, ready and well."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from churn_api import __version__
from churn_api.registry.live import LiveModels, ModelNotReady
from churn_api.store.database import Database, DatabaseAway
from churn_api.web.documented import documented
from churn_api.web.draining import is_draining
from churn_api.web.problems import RETRY_AFTER, Problem
from churn_api.web.schemas import Health, Status
from churn_api.web.state import live_models, services

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/live")
@documented("Health", answer=Status)
def live() -> ResponseReturnValue:
    """Answer while the process answers; touches nothing else."""
    return jsonify({"status": "alive"})


@blueprint.get("/health/ready")
@documented("Health", answer=Status, problems=("model-not-ready", "draining", "dependency-unavailable"))
def ready() -> ResponseReturnValue:
    """Tell whether predictions can be answered; if not, which part is not ready."""
    if is_draining():
        raise Problem("draining", "It answers what it still gets; send new requests elsewhere.", part="server")
    services().database.ping()
    models = live_models()
    try:
        models.get()
    except ModelNotReady as error:
        raise Problem(
            "model-not-ready",
            f"Model {models.default!r}: {error}",
            headers={"Retry-After": str(RETRY_AFTER)},
            part="model",
        ) from error
    return jsonify({"status": "ready"})


@blueprint.get("/health")
@blueprint.get("/api/v1/health")
@documented("Health", answer=Health)
def health() -> ResponseReturnValue:
    """Report what is well and what is not. Always 200: /health/ready is for probes."""
    checks = {
        "database": _database(services().database),
        "models": _models(live_models()),
        "memory": _memory(),
        "disk": _disk(),
    }
    return jsonify(
        {
            "status": max((check["status"] for check in checks.values()), key=("ok", "degraded", "down").index),
            "timestamp": datetime.now(UTC),
            "version": __version__,
            "checks": checks,
        }
    )


def _database(database: Database) -> dict[str, Any]:
    """Whether the database answers, and after how many milliseconds. Without it, what is held answers on."""
    try:
        return {"status": "ok", "latency_ms": round(database.ping(), 3)}
    except DatabaseAway:
        return {"status": "degraded", "reason": "the database cannot be reached"}


def _models(models: LiveModels) -> dict[str, Any]:
    status = "down" if models.default in models.refused else "degraded" if models.refused else "ok"
    return {
        "status": status,
        "count": len(models.names),
        "live": {name: answering.version for name, answering in models.answering.items()},
        "refused": models.refused,
    }


def _memory() -> dict[str, Any]:
    """Memory of the worker that answers, and what the machine has left, in bytes."""
    return {
        "status": "ok",
        "resident_bytes": psutil.Process().memory_info().rss,
        "available_bytes": psutil.virtual_memory().available,
    }


def _disk() -> dict[str, Any]:
    """Room on the disk of the models folder, in bytes."""
    folder = Path(current_app.config["MODELS_DIR"])
    if not folder.is_dir():
        return {"status": "degraded", "reason": "there is no models folder"}
    usage = shutil.disk_usage(folder)
    return {"status": "ok", "free_bytes": usage.free, "total_bytes": usage.total}
