"""The costs of models in the database: every change is a version, and the latest one is in force."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, insert, select

from churn_api.registry.decision import CostsInForce
from churn_api.scoring.costs import Costs
from churn_api.store.tables import COSTS

_LATEST = select(COSTS.c.model, func.max(COSTS.c.policy).label("policy")).group_by(COSTS.c.model).subquery()


class CostsVersion(NamedTuple):
    """A change of a model's costs."""

    policy: int
    """The number of the version, from 1."""
    costs: Costs | None
    """None where from then on the model has none."""
    set_at: datetime
    set_by: str


def costs_in_force(connection: Connection) -> dict[str, CostsInForce]:
    """The costs of every model that has some, by its name."""
    latest = and_(COSTS.c.model == _LATEST.c.model, COSTS.c.policy == _LATEST.c.policy)
    rows = connection.execute(select(COSTS.c.model, COSTS.c.policy, COSTS.c.costs).join(_LATEST, latest)).all()
    return {row.model: CostsInForce(row.policy, _costs(row.costs)) for row in rows if row.costs is not None}


def latest_versions(connection: Connection, model: str, limit: int) -> Sequence[CostsVersion]:
    """The latest versions of a model's costs, newest first."""
    of_model = select(COSTS).where(COSTS.c.model == model).order_by(COSTS.c.policy.desc()).limit(limit)
    return [_version(row) for row in connection.execute(of_model)]


def add_version(connection: Connection, model: str, costs: Costs | None, by: str) -> int:
    """Add a version, and return its number. The transaction must hold a lock that other writers wait for."""
    latest = connection.execute(select(func.max(COSTS.c.policy)).where(COSTS.c.model == model)).scalar()
    policy: int = (latest or 0) + 1
    document = None if costs is None else msgspec.json.encode(costs).decode()
    values = {"model": model, "policy": policy, "costs": document, "set_at": datetime.now(UTC), "set_by": by}
    connection.execute(insert(COSTS).values(values))
    return policy


def _version(row: Any) -> CostsVersion:
    return CostsVersion(row.policy, None if row.costs is None else _costs(row.costs), row.set_at, row.set_by)


def _costs(document: str) -> Costs:
    return msgspec.json.decode(document, type=Costs)
