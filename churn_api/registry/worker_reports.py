"""Each worker's report in the database: the versions that it serves. Clients read from it how far a swap has come."""

import json
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, not_, or_, select

from churn_api.registry.live import LiveModels
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.tables import WORKERS

REPORT_EVERY_SECONDS = 10.0
GONE_AFTER = timedelta(seconds=30)

# Built once, before the fork: building a statement copies memory pages that workers share.
# A report from the future was written before the clock was set back; workers that are alive will report again.
_RECENT = WORKERS.c.seen_at.between(bindparam("since"), bindparam("until"))
_FORGET = delete(WORKERS).where(or_(WORKERS.c.id == bindparam("own"), not_(_RECENT)))
_ADD = insert(WORKERS)
_READ = select(WORKERS).where(_RECENT).order_by(WORKERS.c.started_at)

_NEVER = "", float("-inf")


class WorkerReport(NamedTuple):
    """A worker process that reported recently."""

    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    models: dict[str, Any]


class WorkerReporter:
    """Writes this process's report, when something changed and every few seconds."""

    def __init__(self, live: LiveModels) -> None:
        self._live = live
        self._pid = 0
        self._reported = _NEVER
        self._started = datetime.now(UTC)

    def report(self, database: Database) -> None:
        """Write this process's row where it changed or is due, and delete the rows of workers that are gone.

        Raises DatabaseAway.
        """
        if self._pid != os.getpid():
            self._pid, self._started = os.getpid(), datetime.now(UTC)
        state, moment = json.dumps(_state(self._live)), monotonic()
        if state == self._reported[0] and moment - self._reported[1] < REPORT_EVERY_SECONDS:
            return
        row = {"id": self._id, "host": _host(), "pid": self._pid, "started_at": self._started, "models": state}
        with database.transaction() as connection:
            now = clock.now(connection)
            connection.execute(_FORGET, {"own": self._id, **_recent(now)})
            connection.execute(_ADD, row | {"seen_at": now})
        self._reported = (state, moment)

    def remove(self, database: Database) -> None:
        """Delete this process's row: it does not serve any more. Raises DatabaseAway."""
        with database.transaction() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.id == self._id))
        self._reported = _NEVER

    @property
    def _id(self) -> str:
        return f"{_host()}:{self._pid}:{self._started:%Y%m%d%H%M%S%f}"


def workers(database: Database) -> Sequence[WorkerReport]:
    """Workers that reported recently. Raises DatabaseAway."""
    with database.reading() as connection:
        rows = connection.execute(_READ, _recent(clock.now(connection))).all()
    return [WorkerReport(row.host, row.pid, row.started_at, row.seen_at, json.loads(row.models)) for row in rows]


def _recent(now: datetime) -> dict[str, datetime]:
    return {"since": now - GONE_AFTER, "until": now + GONE_AFTER}


def _host() -> str:
    return socket.gethostname()[:64]


def _state(live: LiveModels) -> dict[str, Any]:
    """By model: the served version, its generation, and why a newer version could not be loaded."""
    state: dict[str, Any] = {name: served._asdict() for name, served in live.served.items()}
    for name, reason in live.load_errors.items():
        state.setdefault(name, {})["refused"] = reason
    return state
