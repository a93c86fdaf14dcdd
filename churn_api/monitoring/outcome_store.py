"""Outcomes in the database: what was reported, what replaced it, and until when all leavers are reported."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from churn_api.monitoring.outcome_record import Outcome
from churn_api.store import audit, clock
from churn_api.store.database import Database
from churn_api.store.monitoring_tables import OUTCOMES, OUTCOMES_COMPLETE

_AT_ONCE = 500
"""Rows of one statement: SQLite allows 32,766 parameters."""

_Rows = dict[tuple[bytes, date], Any]
"""Current rows by subject and day."""


@dataclass
class Receipt:
    """What became of reported outcomes; each list has the positions of rows."""

    received: int = 0
    stored: int = 0
    unchanged: int = 0
    replaced: list[int] = field(default_factory=list)
    """Another row of the same subject and day said something else before."""
    repeated: list[int] = field(default_factory=list)
    """A later row of the same request has the same subject and day, and counts instead."""
    contradictory: list[int] = field(default_factory=list)
    """A row of the same subject says otherwise: of the same day in this request, or that it left on another day."""
    late: list[int] = field(default_factory=list)
    """Reported after all outcomes up to that day had been declared complete."""

    def plus(self, other: "Receipt") -> "Receipt":
        """Both reports together."""
        return Receipt(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Receipt)))


def store(database: Database, model: str, reported: Sequence[tuple[int, Outcome]], *, by: str) -> Receipt:
    """Keep outcomes, each with its position; the last of one subject and day counts. Raises DatabaseAway."""
    receipt = Receipt(received=len(reported))
    latest = _latest(reported, receipt)
    with database.transaction() as connection:
        _lock(connection, model)
        until, now = _complete_until(connection, model), clock.now(connection)
        for some in _chunks(list(latest.values())):
            _store(connection, model, some, until, {"received_at": now, "received_by": by}, receipt)
        if receipt.stored or receipt.replaced:
            counts = {"stored": receipt.stored, "replaced": len(receipt.replaced), "late": len(receipt.late)}
            audit.record(connection, by, "outcomes.report", model, **counts)
    return receipt


def declare_complete(database: Database, model: str, until: date, *, by: str) -> None:
    """Declare that everyone who left up to a day is reported. Raises DatabaseAway."""
    with database.transaction() as connection:
        _lock(connection, model)
        before = _complete_until(connection, model)
        connection.execute(delete(OUTCOMES_COMPLETE).where(OUTCOMES_COMPLETE.c.model == model))
        row = {"model": model, "until": until, "declared_at": clock.now(connection), "declared_by": by}
        connection.execute(insert(OUTCOMES_COMPLETE).values(row))
        was = None if before is None else before.isoformat()
        audit.record(connection, by, "outcomes.complete", model, until=until.isoformat(), before=was)


def complete_until(database: Database) -> Mapping[str, date]:
    """By model, the day up to which all leavers are reported. Raises DatabaseAway."""
    with database.reading() as connection:
        rows = connection.execute(select(OUTCOMES_COMPLETE.c.model, OUTCOMES_COMPLETE.c.until)).all()
    return {row.model: row.until for row in rows}


def erase_outcomes(connection: Connection, customer: bytes) -> None:
    """Delete all outcomes of a customer, also those that were replaced, in the transaction that erases the customer."""
    connection.execute(delete(OUTCOMES).where(OUTCOMES.c.subject == customer))


def _latest(reported: Sequence[tuple[int, Outcome]], receipt: Receipt) -> dict[tuple[bytes, date], tuple[int, Outcome]]:
    """The last row of each subject and day."""
    latest: dict[tuple[bytes, date], tuple[int, Outcome]] = {}
    for position, outcome in reported:
        earlier = latest.get((outcome.subject, outcome.day))
        if earlier is not None:
            same = earlier[1] == outcome
            (receipt.repeated if same else receipt.contradictory).append(earlier[0])
        latest[outcome.subject, outcome.day] = (position, outcome)
    return latest


def _store(
    connection: Connection,
    model: str,
    reported: Sequence[tuple[int, Outcome]],
    until: date | None,
    received: Mapping[str, Any],
    receipt: Receipt,
) -> None:
    current, departures = _current(connection, model, [outcome.subject for _, outcome in reported])
    new: list[dict[str, Any]] = []
    old: list[int] = []
    for position, outcome in reported:
        row = current.get((outcome.subject, outcome.day))
        if row is not None and (row.left, row.contacted, row.kept_by) == outcome[3:]:
            receipt.unchanged += 1
            continue
        if row is None:
            receipt.stored += 1
        else:
            receipt.replaced.append(position)
            old.append(row.id)
        if outcome.left and departures[outcome.subject] - {outcome.day}:
            receipt.contradictory.append(position)
        if until is not None and outcome.day <= until:
            receipt.late.append(position)
        known = row is not None and row.known
        new.append({"model": model, **outcome._asdict(), **received, "known": known})
    if old:
        connection.execute(update(OUTCOMES).where(OUTCOMES.c.id.in_(old)).values(replaced_at=received["received_at"]))
    if new:
        connection.execute(insert(OUTCOMES), new)


def _current(
    connection: Connection, model: str, subjects: Sequence[bytes]
) -> tuple[_Rows, defaultdict[bytes, set[date]]]:
    """The rows of subjects that are not replaced, and the days on which each subject left."""
    of_subjects = (OUTCOMES.c.model == model, OUTCOMES.c.subject.in_(subjects), OUTCOMES.c.replaced_at.is_(None))
    rows = connection.execute(select(OUTCOMES).where(*of_subjects)).all()
    departures = defaultdict[bytes, set[date]](set)
    for row in rows:
        if row.left:
            departures[row.subject].add(row.day)
    return {(row.subject, row.day): row for row in rows}, departures


def _complete_until(connection: Connection, model: str) -> date | None:
    of_model = OUTCOMES_COMPLETE.c.model == model
    found: date | None = connection.execute(select(OUTCOMES_COMPLETE.c.until).where(of_model)).scalar()
    return found


def _lock(connection: Connection, model: str) -> None:
    """Let one process at a time write the outcomes of a model. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
        connection.execute(lock, {"name": f"outcomes of {model}"})


def _chunks(rows: Sequence[tuple[int, Outcome]]) -> Iterator[Sequence[tuple[int, Outcome]]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
