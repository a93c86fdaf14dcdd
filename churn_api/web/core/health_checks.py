"""The checks of the health report. Each is `healthy`, `degraded` (works, but needs attention) or `unhealthy`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from churn_api.registry.live import LiveModels
from churn_api.registry.worker_reports import workers
from churn_api.services import Services
from churn_api.store.database import Database
from churn_api.store.database_errors import DatabaseAway, DatabaseReadOnly
from churn_api.telemetry.container import memory_here
from churn_api.web.core.disk_space import DiskSpace, data_folders, disk_space

DEGRADED_FROM = 0.95
"""Share of memory or of a disk from which a check is degraded."""

HEALTHY, DEGRADED, UNHEALTHY = STATUSES = ("healthy", "degraded", "unhealthy")


def health_checks(services: Services) -> dict[str, dict[str, Any]]:
    """All checks by name."""
    database = _database(services.database)
    # Where the database is away, the checks that need it report that without waiting for it again.
    needing_database = (_workers, _jobs) if "latency_ms" in database else (lambda _: database, lambda _: database)
    return {
        "database": database,
        "models": _models(services.live),
        "workers": needing_database[0](services),
        "jobs": needing_database[1](services),
        "memory": _memory(),
        "disk": _disks(data_folders(services)),
    }


def worst(checks: Mapping[str, Mapping[str, Any]]) -> str:
    """The worst status of all checks."""
    return STATUSES[max(STATUSES.index(check["status"]) for check in checks.values())]


def _database(database: Database) -> dict[str, Any]:
    """Whether the database answers, and its latency. Without it, loaded models still predict, hence DEGRADED."""
    try:
        ping = database.ping()
    except DatabaseAway as error:
        return _away(error)
    check: dict[str, Any] = {"status": HEALTHY, "latency_ms": round(ping.milliseconds, 3)}
    return check | _away(DatabaseReadOnly()) if ping.read_only else check


def _away(error: DatabaseAway) -> dict[str, Any]:
    return {"status": DEGRADED, "reason": f"the database {error.state}"}


def _models(models: LiveModels) -> dict[str, Any]:
    without_reasons = models.without_reasons
    degraded = models.load_errors or without_reasons
    status = UNHEALTHY if models.default not in models.served else DEGRADED if degraded else HEALTHY
    check = {
        "status": status,
        "count": len(models.names),
        "loaded": len(models.served),
        "live": {name: served.version for name, served in models.served.items()},
        "refused": models.load_errors,
    }
    return check | {"without_reasons": without_reasons} if without_reasons else check


def _workers(services: Services) -> dict[str, Any]:
    """How many workers on all machines are alive, and how many of them do not serve the live versions yet."""
    try:
        alive = workers(services.database)
        catalog = services.catalog.read()
    except DatabaseAway as error:
        return _away(error)
    live = {name: entry.generation for name, entry in catalog.items() if entry.live is not None}
    behind = sum(any(_generation(worker.models, name) != live[name] for name in live) for worker in alive)
    return {"status": DEGRADED if behind else HEALTHY, "count": len(alive), "behind": behind}


def _generation(models: Mapping[str, Any], name: str) -> int | None:
    served = models.get(name)
    return served.get("generation") if served else None


def _jobs(services: Services) -> dict[str, Any]:
    """How many jobs are queued and running, and how long the oldest has waited, in seconds."""
    try:
        depth = services.jobs.queue.depth()
    except DatabaseAway as error:
        return _away(error)
    return {
        "status": HEALTHY,
        "queued": depth.jobs["queued"],
        "running": depth.jobs["running"],
        "oldest_seconds": round(depth.oldest_seconds, 1),
    }


def _memory() -> dict[str, Any]:
    """In bytes: memory of this worker, and used and available memory of the container or, without one, the machine."""
    used, limit = memory_here()
    return {
        "status": DEGRADED if used >= DEGRADED_FROM * limit else HEALTHY,
        "resident_bytes": psutil.Process().memory_info().rss,
        "used_bytes": used,
        "limit_bytes": limit,
        "used_percent": _percent(used, limit),
    }


def _disks(named: Mapping[str, Path]) -> dict[str, Any]:
    """Space on the disks of these folders, in bytes and, where the file system counts them, files.

    `used_percent` is that of the fullest.
    """
    spaces = {name: disk_space(folder) for name, folder in named.items()}
    missing = "models" not in spaces
    full = [name for name, space in spaces.items() if space.has_less_than(1 - DEGRADED_FROM)]
    disks = {name: _disk(space) for name, space in spaces.items()}
    reason = "there is no models folder" if missing else f"little room is left for {', '.join(full)}" if full else None
    used = max((_percent(one.total_bytes - one.free_bytes, one.total_bytes) for one in spaces.values()), default=0.0)
    status = {"status": DEGRADED if reason else HEALTHY, "used_percent": used}
    return status | disks | ({"reason": reason} if reason else {})


def _percent(used: int, total: int) -> float:
    return round(100 * used / total, 1) if total else 0.0


def _disk(space: DiskSpace) -> dict[str, int]:
    values = space._asdict()
    return values if space.total_files else {name: values[name] for name in ("free_bytes", "total_bytes")}
