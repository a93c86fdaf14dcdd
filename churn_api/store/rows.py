"""The tables, a class a row. Times are UTC."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
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


class Row(DeclarativeBase):
    """What every table's class extends."""

    type_annotation_map: ClassVar = {datetime: Utc}


class KeyRow(Row):
    """An API key. The key itself is not here: only its HMAC is."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Public; the part of the key by which it is looked up."""
    name: Mapped[str] = mapped_column(String(64), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[str] = mapped_column(String(256))
    """Separated by spaces."""
    rate: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class VersionRow(Row):
    """A version of a model that may be made live, and the digest of the card that it was registered with."""

    __tablename__ = "model_versions"

    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of card.json, which in turn vouches for every other file."""
    registered_at: Mapped[datetime]
    registered_by: Mapped[str] = mapped_column(String(128))


class LiveRow(Row):
    """Which version of a model answers. Every worker follows this row."""

    __tablename__ = "live_models"
    __table_args__ = (ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),)

    model: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(16))
    generation: Mapped[int] = mapped_column(Integer)
    """Counts the changes of this row."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(128))


class AuditRow(Row):
    """One act of management."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128))
    detail: Mapped[str] = mapped_column(Text)


class RevisionRow(Row):
    """How often something was changed: what workers ask every moment, in place of the thing itself."""

    __tablename__ = "revisions"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class WorkerRow(Row):
    """A worker process, and which versions it holds."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    """Host, process and start time."""
    host: Mapped[str] = mapped_column(String(64))
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    models: Mapped[str] = mapped_column(Text)
    """By model, the version and generation that it answers with, and why it refused another (JSON)."""


class JobRow(Row):
    """A table to be scored, how far that has come, and who holds it."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_state", "state", "created_at"),
        Index("ix_jobs_idempotency", "owner", "idempotency_key", unique=True),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(Text)
    owner_name: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Of what was asked for under the idempotency key."""
    state: Mapped[str] = mapped_column(String(16))
    request: Mapped[str] = mapped_column(Text)
    """JSON, as are the two that follow."""
    progress: Mapped[str] = mapped_column(Text)
    started_from: Mapped[str] = mapped_column(Text)
    """The progress that the latest attempt found."""
    attempts: Mapped[int]
    token: Mapped[int]
    """Counts the leases: who holds an older one may not write."""
    worker: Mapped[str | None] = mapped_column(String(128))
    lease_until: Mapped[datetime | None]
    cancel_asked: Mapped[bool]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    """When the latest attempt began."""
    advanced_at: Mapped[datetime | None]
    """When that attempt last finished a block."""
    finished_at: Mapped[datetime | None]
    reason_code: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    result_bytes: Mapped[int | None] = mapped_column(BigInteger)
