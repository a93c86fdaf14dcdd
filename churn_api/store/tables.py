"""The tables. Times are UTC.

Tables rather than classes: a program that asks a few small questions has no use for an object-relational mapper, which
is seven megabytes of every server.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """A moment. SQLite keeps no time zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Without its zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """With its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = MetaData()

_key = partial(Column, primary_key=True)
_given = partial(Column, nullable=False)
_maybe = partial(Column, nullable=True)

KEYS = Table(
    "api_keys",
    METADATA,
    _key("id", String(16)),  # public; the part of the key by which it is looked up
    _given("name", String(64), index=True),
    _given("digest", LargeBinary(32)),  # the key itself is not here: only its HMAC is
    _given("scopes", String(256)),  # separated by spaces
    _maybe("rate", String(64)),
    _given("created_at", Utc),
    _maybe("expires_at", Utc),
    _maybe("revoked_at", Utc),
    _maybe("last_used_at", Utc),
)
"""API keys."""

VERSIONS = Table(
    "model_versions",
    METADATA,
    _key("model", String(64)),
    _key("version", String(16)),
    _given("digest", String(64)),  # SHA-256 of card.json, which in turn vouches for every other file
    _given("registered_at", Utc),
    _given("registered_by", String(128)),
)
"""Versions of models that may be made live, and the digest of the card that each was registered with."""

LIVE = Table(
    "live_models",
    METADATA,
    _key("model", String(64)),
    _given("version", String(16)),
    _given("generation", Integer),  # counts the changes of this row
    _given("changed_at", Utc),
    _given("changed_by", String(128)),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
)
"""Which version of a model answers. Every worker follows these rows."""

AUDIT = Table(
    "audit",
    METADATA,
    _key("id", BigInteger().with_variant(Integer, "sqlite")),
    _given("at", Utc),
    _given("actor", String(128)),
    _given("action", String(64)),
    _given("subject", String(128)),
    _given("detail", Text),
    Index("ix_audit_at", "at"),
)
"""Acts of management."""

SECRETS = Table(
    "secrets",
    METADATA,
    _key("name", String(32)),
    _given("fingerprint", String(64)),  # tells whether two are the same, and nothing else of them
    _given("noted_at", Utc),
    _given("noted_by", String(128)),
)
"""Which secrets the keys and tokens of this database are made with."""

CHANGE_COUNTERS = Table("revisions", METADATA, _key("name", String(32)), _given("number", BigInteger))
"""How often something was changed: what workers ask every moment, in place of the thing itself."""

WORKERS = Table(
    "workers",
    METADATA,
    _key("id", String(128)),  # host, process and start time
    _given("host", String(64)),
    _given("pid", Integer),
    _given("started_at", Utc),
    _given("seen_at", Utc),
    # By model, the version and generation that it answers with, and why it refused another (JSON).
    _given("models", Text),
)
"""Worker processes, and which versions they hold."""

JOBS = Table(
    "jobs",
    METADATA,
    _key("id", String(64)),
    _given("owner", Text),
    _given("owner_name", Text),
    _maybe("idempotency_key", String(255)),
    _given("fingerprint", String(64)),  # of what was asked for under the idempotency key
    _given("state", String(16)),
    _given("request", Text),  # JSON, as are the two that follow
    _given("progress", Text),
    _given("started_from", Text),  # the progress that the latest attempt found
    _given("attempts", Integer),
    _given("token", Integer),  # counts the leases: who holds an older one may not write
    _maybe("worker", String(128)),
    _maybe("lease_until", Utc),
    _given("cancel_asked", Boolean),
    _given("created_at", Utc),
    _maybe("started_at", Utc),  # when the latest attempt began
    _maybe("advanced_at", Utc),  # when that attempt last finished a block
    _maybe("finished_at", Utc),
    _maybe("reason_code", String(64)),
    _maybe("reason", Text),
    _maybe("result_bytes", BigInteger),
    Column("input_bytes", BigInteger, nullable=False, server_default="0"),  # of the file as it came; 0 where unknown
    _maybe("turn", BigInteger),  # counts the claims of all jobs: whose key was served last has the highest
    _maybe("leased_at", Utc),  # when the lease was given or renewed
    Index("ix_jobs_turn", "owner", "turn"),
    Index("ix_jobs_quota", "owner", "state"),
    Index("ix_jobs_state", "state", "created_at"),
    Index("ix_jobs_idempotency", "owner", "idempotency_key", unique=True),
)
"""Tables to be scored, how far each has come, and who holds it."""
