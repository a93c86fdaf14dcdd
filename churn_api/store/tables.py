"""The tables of keys, models and jobs, of the audit log and the workers."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from churn_api.store.table_columns import METADATA, Utc, key, optional, required

KEYS = Table(
    "api_keys",
    METADATA,
    key("id", String(16)),  # the public part of the key, used to look it up
    required("name", String(64), index=True),
    required("digest", LargeBinary(32)),  # HMAC of the key; the key itself is not stored
    required("scopes", String(256)),  # separated by spaces
    optional("rate", String(64)),
    required("created_at", Utc),
    optional("expires_at", Utc),
    optional("revoked_at", Utc),
    optional("last_used_at", Utc),
)
"""API keys."""

VERSIONS = Table(
    "model_versions",
    METADATA,
    key("model", String(64)),
    key("version", String(16)),
    required("digest", String(64)),  # SHA-256 of card.json, which has the digests of all other files
    required("registered_at", Utc),
    required("registered_by", String(128)),
)
"""Registered versions of models, which may be made live, and the digests of their cards."""

LIVE = Table(
    "live_models",
    METADATA,
    key("model", String(64)),
    required("version", String(16)),
    required("generation", Integer),  # number of changes of this row
    required("changed_at", Utc),
    required("changed_by", String(128)),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
)
"""The live version of each model. Every worker follows these rows."""

COSTS = Table(
    "model_costs",
    METADATA,
    key("model", String(64)),
    key("policy", Integer),  # number of the version, by which answers name it
    optional("costs", Text),  # JSON; null where from then on the model has none
    required("set_at", Utc),
    required("set_by", String(128)),
)
"""The costs of calls to each model's customers, in versions: the latest is in force, and every worker follows it."""

AUDIT = Table(
    "audit",
    METADATA,
    key("id", BigInteger().with_variant(Integer, "sqlite")),
    required("at", Utc),
    required("actor", String(128)),
    required("action", String(64)),
    required("subject", String(128)),
    required("detail", Text),
    Index("ix_audit_at", "at"),
)
"""The audit log: management actions."""

SECRETS = Table(
    "secrets",
    METADATA,
    key("name", String(32)),
    required("fingerprint", String(64)),  # reveals only whether two secrets are equal
    required("noted_at", Utc),
    required("noted_by", String(128)),
)
"""Fingerprints of the secrets that the keys and tokens of this database are made with."""

CHANGE_COUNTERS = Table("revisions", METADATA, key("name", String(32)), required("number", BigInteger))
"""Numbers of changes, which workers poll instead of the data itself."""

WORKERS = Table(
    "workers",
    METADATA,
    key("id", String(128)),  # host, process and start time
    required("host", String(64)),
    required("pid", Integer),
    required("started_at", Utc),
    required("seen_at", Utc),
    # JSON: for each model the served version, its generation, and why a newer version could not be loaded.
    required("models", Text),
)
"""Worker processes, and the versions that they serve."""

JOBS = Table(
    "jobs",
    METADATA,
    key("id", String(64)),
    required("owner", Text),
    required("owner_name", Text),
    optional("idempotency_key", String(255)),
    required("fingerprint", String(64)),  # of the request that was sent with the idempotency key
    required("state", String(16)),
    required("request", Text),  # JSON, as the next two
    required("progress", Text),
    required("started_from", Text),  # the progress at the start of the latest attempt
    required("attempts", Integer),
    required("token", Integer),  # fencing token: a worker with an older one cannot write
    optional("worker", String(128)),
    optional("lease_until", Utc),
    required("cancel_asked", Boolean),
    required("created_at", Utc),
    optional("started_at", Utc),  # when the latest attempt began
    optional("advanced_at", Utc),  # when that attempt last finished a block
    optional("finished_at", Utc),
    optional("reason_code", String(64)),
    optional("reason", Text),
    optional("result_bytes", BigInteger),
    Column("input_bytes", BigInteger, nullable=False, server_default="0"),  # of the input as sent; 0 where unknown
    optional("turn", BigInteger),  # number of the claim, over all jobs: the key served last has the highest
    optional("leased_at", Utc),  # when the lease was granted or renewed
    Index("ix_jobs_turn", "owner", "turn"),
    Index("ix_jobs_quota", "owner", "state"),
    Index("ix_jobs_state", "state", "created_at"),
    Index("ix_jobs_idempotency", "owner", "idempotency_key", unique=True),
)
"""Scoring jobs, their progress, and their leases."""
