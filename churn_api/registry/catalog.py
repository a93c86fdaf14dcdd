"""The catalogue: names and versions of models, and which version is live, in the database that all workers follow."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from churn_api.store import audit, revisions
from churn_api.store.database import Database
from churn_api.store.rows import LiveRow, VersionRow

AT_START = "found at the start"


class Conflict(Exception):
    """An act that the catalogue's state does not allow; the text says why."""


class Entry(NamedTuple):
    """What the catalogue says of a model."""

    digests: Mapping[str, str]
    """By version, oldest first: the digest of the card."""
    live: str | None
    generation: int
    """How often the live version was changed."""


class Catalog:
    """The catalogue of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[str, Entry]:
        """Every model. Raises DatabaseAway."""
        with self._database.reading() as session:
            return _entries(session)

    def add_found(self, found: Mapping[str, Mapping[str, str]]) -> None:
        """Register the bundles of a folder, digests by model and version, that are not known yet.

        The newest version of a model that was not known at all becomes live; of any other model, none does.
        """
        try:
            self._add_found(found)
        except IntegrityError:
            # Another machine that started at the same moment was first, and what it wrote can be read by now.
            self._add_found(found)

    def _add_found(self, found: Mapping[str, Mapping[str, str]]) -> None:
        with self._database.transaction() as session:
            known = _entries(session)
            new = {
                name: {version: digest for version, digest in versions.items() if version not in _versions(known, name)}
                for name, versions in found.items()
            }
            for name, versions in new.items():
                for version, digest in versions.items():
                    _register(session, name, version, digest, AT_START)
                if versions and name not in known:
                    _set_live(session, name, max(versions, key=int), AT_START)
            if any(new.values()):
                revisions.bump(session, "models")

    def register(self, name: str, version: str, digest: str, *, by: str) -> None:
        """Register a version. Raises Conflict where it is known with another digest."""
        with self._database.transaction() as session:
            row = session.get(VersionRow, (name, version))
            if row is None:
                _register(session, name, version, digest, by)
                audit.record(session, by, "models.register", f"{name}/{version}", digest=digest)
                revisions.bump(session, "models")
            elif row.digest != digest:
                raise Conflict(f"version {version} of {name!r} is registered with other files")

    def set_live(self, name: str, version: str, *, by: str) -> None:
        """Make a registered version live."""
        with self._database.transaction() as session:
            before = _set_live(session, name, version, by)
            audit.record(session, by, "models.live", name, version=version, before=before)
            revisions.bump(session, "models")

    def unload(self, name: str, *, by: str) -> None:
        """Have no version of a model answer. Its versions stay registered. Raises Conflict where none is live."""
        with self._database.transaction() as session:
            row = session.get(LiveRow, name)
            if row is None:
                raise Conflict(f"no version of {name!r} is live")
            session.delete(row)
            audit.record(session, by, "models.unload", name, before=row.version)
            revisions.bump(session, "models")


def _entries(session: Session) -> dict[str, Entry]:
    live = {row.model: row for row in session.scalars(select(LiveRow))}
    digests: dict[str, dict[str, str]] = {}
    rows = session.scalars(select(VersionRow)).all()
    for row in sorted(rows, key=lambda row: (row.model, int(row.version))):
        digests.setdefault(row.model, {})[row.version] = row.digest
    return {name: _entry(of_one, live.get(name)) for name, of_one in digests.items()}


def _entry(digests: dict[str, str], live: Any) -> Entry:
    return Entry(digests, live.version if live else None, live.generation if live else 0)


def _versions(known: Mapping[str, Entry], name: str) -> Mapping[str, str]:
    return known[name].digests if name in known else {}


def _register(session: Session, name: str, version: str, digest: str, by: str) -> None:
    session.add(
        VersionRow(model=name, version=version, digest=digest, registered_at=datetime.now(UTC), registered_by=by)
    )
    session.flush()


def _set_live(session: Session, name: str, version: str, by: str) -> str | None:
    """Point the row at a version, and return the version it pointed at."""
    row = session.get(LiveRow, name, with_for_update=True)
    if row is None:
        row = LiveRow(model=name, version=version, generation=1, changed_at=datetime.now(UTC), changed_by=by)
        session.add(row)
        return None
    before = row.version
    row.version, row.generation = version, row.generation + 1
    row.changed_at, row.changed_by = datetime.now(UTC), by
    return before
