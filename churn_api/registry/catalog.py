"""The catalogue: registered models and versions, and which version is live, in the database that all workers follow."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from churn_api.registry.cost_versions import CostsVersion, add_version, costs_in_force, latest_versions
from churn_api.registry.decision import CostsInForce
from churn_api.registry.experiment import Experiment
from churn_api.registry.experiment_rows import end_if_other_version, running_experiments
from churn_api.scoring.costs import Costs
from churn_api.store import audit, change_counters
from churn_api.store.database import Database
from churn_api.store.tables import LIVE, VERSIONS


class Conflict(Exception):
    """The state of the catalogue does not allow the operation; the text says why."""


class Entry(NamedTuple):
    """One model in the catalogue."""

    digests: Mapping[str, str]
    """Digest of the card by version, oldest first."""
    live: str | None
    generation: int
    """Number of changes of the live version."""
    costs: CostsInForce | None = None
    """None where the cards' thresholds decide."""
    experiment: Experiment | None = None
    """The experiment that runs."""


class Catalog:
    """The catalogue of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[str, Entry]:
        """Every model by name. Raises DatabaseAway."""
        with self._database.reading() as connection:
            return _entries(connection)

    def register_new(self, bundles: Mapping[str, Mapping[str, str]], *, by: str) -> list[tuple[str, str]]:
        """Register those of the bundles that are new; `bundles` has digests by model and version. None becomes live.

        Returns the models and versions that were registered.
        """
        try:
            return self._register_new(bundles, by)
        except IntegrityError:
            # Another machine started at the same moment and registered them first; its rows are visible now.
            return self._register_new(bundles, by)

    def _register_new(self, bundles: Mapping[str, Mapping[str, str]], by: str) -> list[tuple[str, str]]:
        with self._database.transaction() as connection:
            known = _entries(connection)
            new = [
                (name, version, digest)
                for name, versions in bundles.items()
                for version, digest in versions.items()
                if name not in known or version not in known[name].digests
            ]
            for name, version, digest in new:
                _register(connection, name, version, digest, by)
            if new:
                change_counters.bump(connection, "models")
        return [(name, version) for name, version, _ in new]

    def register(self, name: str, version: str, digest: str, *, by: str) -> None:
        """Register a version. Raises Conflict where it is registered with another digest."""
        with self._database.transaction() as connection:
            same = and_(VERSIONS.c.model == name, VERSIONS.c.version == version)
            known = connection.execute(select(VERSIONS.c.digest).where(same)).scalar_one_or_none()
            if known is None:
                _register(connection, name, version, digest, by)
                change_counters.bump(connection, "models")
            elif known != digest:
                raise Conflict(f"version {version} of {name!r} is registered with other files")

    def set_live(self, name: str, version: str, *, by: str) -> None:
        """Make a registered version live. An experiment in which it is not the live version ends."""
        with self._database.transaction() as connection:
            before = _set_live(connection, name, version, by)
            audit.record(connection, by, "models.live", name, version=version, before=before)
            end_if_other_version(connection, name, version, by=by)
            change_counters.bump(connection, "models")

    def unload(self, name: str, *, by: str) -> None:
        """Make no version of a model live. Its versions stay registered. Raises Conflict where none is live."""
        with self._database.transaction() as connection:
            row = _live_row(connection, name)
            if row is None:
                raise Conflict(f"no version of {name!r} is live")
            connection.execute(delete(LIVE).where(LIVE.c.model == name))
            audit.record(connection, by, "models.unload", name, before=row.version)
            end_if_other_version(connection, name, None, by=by)
            change_counters.bump(connection, "models")

    def set_costs(self, name: str, costs: Costs | None, *, by: str) -> None:
        """Set the costs of a model, None for none, as a new version."""
        with self._database.transaction() as connection:
            # Counted first: other writers wait for the counter's row, so that each number is given once.
            change_counters.bump(connection, "models")
            policy = add_version(connection, name, costs, by)
            audit.record(connection, by, "models.costs", name, policy=policy, costs=msgspec.to_builtins(costs))

    def costs(self, name: str) -> CostsInForce | None:
        """The costs of a model; None where it has none. Workers follow them, within a second. Raises DatabaseAway."""
        latest = next(iter(self.cost_versions(name, 1)), None)
        return None if latest is None or latest.costs is None else CostsInForce(latest.policy, latest.costs)

    def cost_versions(self, name: str, limit: int) -> Sequence[CostsVersion]:
        """The latest versions of a model's costs, newest first. Raises DatabaseAway."""
        with self._database.reading() as connection:
            return latest_versions(connection, name, limit)


def _entries(connection: Connection) -> dict[str, Entry]:
    live = {row.model: row for row in connection.execute(select(LIVE))}
    costs = costs_in_force(connection)
    experiments = running_experiments(connection)
    digests: dict[str, dict[str, str]] = {}
    rows = connection.execute(select(VERSIONS)).all()
    for row in sorted(rows, key=lambda row: (row.model, int(row.version))):
        digests.setdefault(row.model, {})[row.version] = row.digest
    return {
        name: _entry(versions, live.get(name))._replace(costs=costs.get(name), experiment=experiments.get(name))
        for name, versions in digests.items()
    }


def _entry(digests: dict[str, str], live: Any) -> Entry:
    return Entry(digests, live.version if live else None, live.generation if live else 0)


def _register(connection: Connection, name: str, version: str, digest: str, by: str) -> None:
    row = {
        "model": name,
        "version": version,
        "digest": digest,
        "registered_at": datetime.now(UTC),
        "registered_by": by,
    }
    connection.execute(insert(VERSIONS).values(row))
    audit.record(connection, by, "models.register", f"{name}/{version}", digest=digest)


def _live_row(connection: Connection, name: str) -> Any:
    """The row of a model's live version, locked; None where no version is live."""
    return connection.execute(select(LIVE).where(LIVE.c.model == name).with_for_update()).one_or_none()


def _set_live(connection: Connection, name: str, version: str, by: str) -> str | None:
    """Change the live version, and return the previous one."""
    row = _live_row(connection, name)
    values = {"version": version, "changed_at": datetime.now(UTC), "changed_by": by}
    if row is None:
        connection.execute(insert(LIVE).values(model=name, generation=1, **values))
        return None
    connection.execute(update(LIVE).where(LIVE.c.model == name).values(generation=row.generation + 1, **values))
    before: str = row.version
    return before
