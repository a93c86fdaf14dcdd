"""What the health report tells: each part is `ok`, `degraded` (it answers on, and somebody should look) or `down`."""

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

FULL = 0.95
"""Of memory or of a disk: from here on it is about to run out."""

_STATUSES = ("ok", "degraded", "down")


def all_checks(services: Services) -> dict[str, dict[str, Any]]:
    """Every part by its name."""
    database = _database(services.database)
    # What was just away is not asked again: a report comes at once.
    by_database = (_workers, _jobs) if "latency_ms" in database else (lambda _: database, lambda _: database)
    return {
        "database": database,
        "models": _models(services.live),
        "workers": by_database[0](services),
        "jobs": by_database[1](services),
        "memory": _memory(),
        "disk": _disks(data_folders(services)),
    }


def worst(checks: Mapping[str, Mapping[str, Any]]) -> str:
    """The status of the whole."""
    return _STATUSES[max(_STATUSES.index(check["status"]) for check in checks.values())]


def _database(database: Database) -> dict[str, Any]:
    """Whether the database answers, and after how many milliseconds. Without it, what is held answers on."""
    try:
        ping = database.ping()
    except DatabaseAway as error:
        return _away(error)
    found: dict[str, Any] = {"status": "ok", "latency_ms": round(ping.milliseconds, 3)}
    return found | _away(DatabaseReadOnly()) if ping.read_only else found


def _away(error: DatabaseAway) -> dict[str, Any]:
    return {"status": "degraded", "reason": f"the database {error.state}"}


def _models(models: LiveModels) -> dict[str, Any]:
    status = "down" if models.default in models.load_errors else "degraded" if models.load_errors else "ok"
    return {
        "status": status,
        "count": len(models.names),
        "live": {name: answering.version for name, answering in models.served.items()},
        "refused": models.load_errors,
    }


def _workers(services: Services) -> dict[str, Any]:
    """How many workers were heard of lately, on all machines, and how many do not answer with what is live."""
    try:
        told = workers(services.database)
        catalog = services.catalog.read()
    except DatabaseAway as error:
        return _away(error)
    live = {name: entry.generation for name, entry in catalog.items() if entry.live is not None}
    behind = sum(any(_generation(worker.models, name) != live[name] for name in live) for worker in told)
    return {"status": "degraded" if behind else "ok", "count": len(told), "behind": behind}


def _generation(models: Mapping[str, Any], name: str) -> int | None:
    answering = models.get(name)
    return answering.get("generation") if answering else None


def _jobs(services: Services) -> dict[str, Any]:
    """How many jobs wait and run, and how many seconds the oldest has waited."""
    try:
        depth = services.queue.depth()
    except DatabaseAway as error:
        return _away(error)
    return {
        "status": "ok",
        "queued": depth.jobs["queued"],
        "running": depth.jobs["running"],
        "oldest_seconds": round(depth.oldest_seconds, 1),
    }


def _memory() -> dict[str, Any]:
    """In bytes: what the worker that answers holds, and what the container or else the machine has, and has given."""
    used, limit = memory_here()
    return {
        "status": "degraded" if used >= FULL * limit else "ok",
        "resident_bytes": psutil.Process().memory_info().rss,
        "used_bytes": used,
        "limit_bytes": limit,
    }


def _disks(named: Mapping[str, Path]) -> dict[str, Any]:
    """DiskSpace on the disks of these folders, in bytes and, where they are counted, files."""
    rooms = {name: disk_space(folder) for name, folder in named.items()}
    missing = "models" not in rooms
    full = [name for name, found in rooms.items() if found.has_less_than(1 - FULL)]
    found = {name: _disk(room) for name, room in rooms.items()}
    reason = "there is no models folder" if missing else f"little room is left for {', '.join(full)}" if full else None
    return {"status": "degraded" if reason else "ok", **found} | ({"reason": reason} if reason else {})


def _disk(room: DiskSpace) -> dict[str, int]:
    told = room._asdict()
    return told if room.total_files else {name: told[name] for name in ("free_bytes", "total_bytes")}
