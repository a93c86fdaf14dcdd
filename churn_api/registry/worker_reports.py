"""What every worker tells of itself: which versions it answers with. Read by whoever asks how far a swap has come."""

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

TELL_EVERY_SECONDS = 10.0
GONE_AFTER = timedelta(seconds=30)

# Made once: every worker asks these all the time, and what it touches to make them is its own.
# One that was seen much later than now was seen before the clock was set back: who lives tells again.
_RECENT = WORKERS.c.seen_at.between(bindparam("since"), bindparam("until"))
_FORGET = delete(WORKERS).where(or_(WORKERS.c.id == bindparam("told"), not_(_RECENT)))
_TELL = insert(WORKERS)
_READ = select(WORKERS).where(_RECENT).order_by(WORKERS.c.started_at)

_NOTHING = "", float("-inf")


class WorkerReport(NamedTuple):
    """A worker process that was heard of lately."""

    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    models: dict[str, Any]


class WorkerReporter:
    """Tells of this process, when something changed and every few seconds."""

    def __init__(self, live: LiveModels) -> None:
        self._live = live
        self._pid = 0
        self._told = _NOTHING
        self._started = datetime.now(UTC)

    def report(self, database: Database) -> None:
        """Write this process's row where there is news, and remove those of workers that are gone.

        Raises DatabaseAway.
        """
        if self._pid != os.getpid():
            self._pid, self._started = os.getpid(), datetime.now(UTC)
        state, moment = json.dumps(_state(self._live)), monotonic()
        if state == self._told[0] and moment - self._told[1] < TELL_EVERY_SECONDS:
            return
        row = {"id": self._id, "host": _host(), "pid": self._pid, "started_at": self._started, "models": state}
        with database.transaction() as connection:
            now = clock.now(connection)
            connection.execute(_FORGET, {"told": self._id, **_recent(now)})
            connection.execute(_TELL, row | {"seen_at": now})
        self._told = (state, moment)

    def remove(self, database: Database) -> None:
        """Remove this process's row: it is none of those that answer. Raises DatabaseAway."""
        with database.transaction() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.id == self._id))
        self._told = _NOTHING

    @property
    def _id(self) -> str:
        return f"{_host()}:{self._pid}:{self._started:%Y%m%d%H%M%S%f}"


def workers(database: Database) -> Sequence[WorkerReport]:
    """The workers heard of lately. Raises DatabaseAway."""
    with database.reading() as connection:
        rows = connection.execute(_READ, _recent(clock.now(connection))).all()
    return [WorkerReport(row.host, row.pid, row.started_at, row.seen_at, json.loads(row.models)) for row in rows]


def _recent(now: datetime) -> dict[str, datetime]:
    return {"since": now - GONE_AFTER, "until": now + GONE_AFTER}


def _host() -> str:
    return socket.gethostname()[:64]


def _state(live: LiveModels) -> dict[str, Any]:
    """By model: the version that answers, its generation, and why a newer one does not."""
    refused = live.load_errors
    told: dict[str, Any] = {name: answering._asdict() for name, answering in live.served.items()}
    for name, reason in refused.items():
        told.setdefault(name, {})["refused"] = reason
    return told
