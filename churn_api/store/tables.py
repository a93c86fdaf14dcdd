"""The tables. Times are UTC.

SQLAlchemy Core, not the ORM: a program with a few small queries does not need the ORM, which takes seven megabytes of
memory in every server.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """A UTC time. SQLite stores no time zone, so it is removed when writing and added when reading."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Remove the time zone."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Add the time zone."""
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = MetaData()

_key = partial(Column, primary_key=True)
_required = partial(Column, nullable=False)
_optional = partial(Column, nullable=True)

KEYS = Table(
    "api_keys",
    METADATA,
    _key("id", String(16)),  # the public part of the key, used to look it up
    _required("name", String(64), index=True),
    _required("digest", LargeBinary(32)),  # HMAC of the key; the key itself is not stored
    _required("scopes", String(256)),  # separated by spaces
    _optional("rate", String(64)),
    _required("created_at", Utc),
    _optional("expires_at", Utc),
    _optional("revoked_at", Utc),
    _optional("last_used_at", Utc),
)
"""API keys."""

VERSIONS = Table(
    "model_versions",
    METADATA,
    _key("model", String(64)),
    _key("version", String(16)),
    _required("digest", String(64)),  # SHA-256 of card.json, which has the digests of all other files
    _required("registered_at", Utc),
    _required("registered_by", String(128)),
)
"""Registered versions of models, which may be made live, and the digests of their cards."""

LIVE = Table(
    "live_models",
    METADATA,
    _key("model", String(64)),
    _required("version", String(16)),
    _required("generation", Integer),  # number of changes of this row
    _required("changed_at", Utc),
    _required("changed_by", String(128)),
    ForeignKeyConstraint(["model", "version"], ["model_versions.model", "model_versions.version"]),
)
"""The live version of each model. Every worker follows these rows."""

COSTS = Table(
    "model_costs",
    METADATA,
    _key("model", String(64)),
    _key("policy", Integer),  # number of the version, by which answers name it
    _optional("costs", Text),  # JSON; null where from then on the model has none
    _required("set_at", Utc),
    _required("set_by", String(128)),
)
"""The costs of calls to each model's customers, in versions: the latest is in force, and every worker follows it."""

LISTED_CUSTOMERS = Table(
    "listed_customers",
    METADATA,
    _key("job", String(64)),  # that made the list; of a list without a job a digest of the model and the table
    _key("customer", LargeBinary(12)),  # see monitoring/customer_keys.py
    _required("model", String(64)),
    _required("called", Boolean),  # whether the customer was to be called, or was in the control group
    _required("listed_on", Date),
    _required("due", Date),  # the last day of the horizon
    Index("ix_listed_customers", "model", "customer", "listed_on"),
    Index("ix_listed_customers_on", "listed_on"),
    Index("ix_listed_customers_key", "customer"),
)
"""Customers of call lists that have a control group, to see later what calling changed."""

AUDIT = Table(
    "audit",
    METADATA,
    _key("id", BigInteger().with_variant(Integer, "sqlite")),
    _required("at", Utc),
    _required("actor", String(128)),
    _required("action", String(64)),
    _required("subject", String(128)),
    _required("detail", Text),
    Index("ix_audit_at", "at"),
)
"""The audit log: management actions."""

SECRETS = Table(
    "secrets",
    METADATA,
    _key("name", String(32)),
    _required("fingerprint", String(64)),  # reveals only whether two secrets are equal
    _required("noted_at", Utc),
    _required("noted_by", String(128)),
)
"""Fingerprints of the secrets that the keys and tokens of this database are made with."""

CHANGE_COUNTERS = Table("revisions", METADATA, _key("name", String(32)), _required("number", BigInteger))
"""Numbers of changes, which workers poll instead of the data itself."""

WORKERS = Table(
    "workers",
    METADATA,
    _key("id", String(128)),  # host, process and start time
    _required("host", String(64)),
    _required("pid", Integer),
    _required("started_at", Utc),
    _required("seen_at", Utc),
    # JSON: for each model the served version, its generation, and why a newer version could not be loaded.
    _required("models", Text),
)
"""Worker processes, and the versions that they serve."""

JOBS = Table(
    "jobs",
    METADATA,
    _key("id", String(64)),
    _required("owner", Text),
    _required("owner_name", Text),
    _optional("idempotency_key", String(255)),
    _required("fingerprint", String(64)),  # of the request that was sent with the idempotency key
    _required("state", String(16)),
    _required("request", Text),  # JSON, as the next two
    _required("progress", Text),
    _required("started_from", Text),  # the progress at the start of the latest attempt
    _required("attempts", Integer),
    _required("token", Integer),  # fencing token: a worker with an older one cannot write
    _optional("worker", String(128)),
    _optional("lease_until", Utc),
    _required("cancel_asked", Boolean),
    _required("created_at", Utc),
    _optional("started_at", Utc),  # when the latest attempt began
    _optional("advanced_at", Utc),  # when that attempt last finished a block
    _optional("finished_at", Utc),
    _optional("reason_code", String(64)),
    _optional("reason", Text),
    _optional("result_bytes", BigInteger),
    Column("input_bytes", BigInteger, nullable=False, server_default="0"),  # of the input as sent; 0 where unknown
    _optional("turn", BigInteger),  # number of the claim, over all jobs: the key served last has the highest
    _optional("leased_at", Utc),  # when the lease was granted or renewed
    Index("ix_jobs_turn", "owner", "turn"),
    Index("ix_jobs_quota", "owner", "state"),
    Index("ix_jobs_state", "state", "created_at"),
    Index("ix_jobs_idempotency", "owner", "idempotency_key", unique=True),
)
"""Scoring jobs, their progress, and their leases."""

WATCH_HOURS = Table(
    "watch_hours",
    METADATA,
    _key("model", String(64)),
    _key("version", String(16)),
    _key("hour", Utc),
    _key("source", String(64)),  # the process that counted, or a sum of several
    _required("counts", LargeBinary),  # doubles, little-endian
    Index("ix_watch_hours_hour", "hour"),
)
"""Predictions by the bins of their model's baseline. A process replaces its own rows, so that nothing counts twice."""

ERASURES = Table(
    "erasures",
    METADATA,
    _key("customer", LargeBinary(12)),  # see monitoring/customer_keys.py
    _required("at", Utc),  # what was predicted until then is erased
    _required("by", String(128)),
    Index("ix_erasures_at", "at"),
)
"""Customers whose predictions were erased."""

EXPERIMENTS = Table(
    "experiments",
    METADATA,
    _key("id", String(32)),
    _required("model", String(64)),
    _required("champion", String(16)),  # the version that was live at the start
    _required("challenger", String(16)),
    _required("mode", String(16)),
    _required("share", Integer),  # ten-thousandths of the customers
    _required("salt", String(64)),
    _required("started_at", Utc),
    _required("started_by", String(128)),
    _optional("stopped_at", Utc),
    _optional("stopped_by", String(128)),
    _optional("reason", Text),
    _optional("evidence", Text),  # JSON, as the next
    _optional("result", Text),
    Index(
        "ix_experiments_running",
        "model",
        unique=True,
        sqlite_where=text("stopped_at IS NULL"),
        postgresql_where=text("stopped_at IS NULL"),
    ),
    Index("ix_experiments_started", "started_at"),
)
"""Experiments with two versions of a model. One a model runs."""

EXPERIMENT_COUNTS = Table(
    "experiment_counts",
    METADATA,
    _key("experiment", String(32)),
    _key("source", String(64)),  # the process that counted
    _required("counts", LargeBinary),  # doubles, little-endian
)
"""What each process has counted of an experiment since it began. A process replaces its own row."""

EXPERIMENT_DAYS = Table(
    "experiment_days",
    METADATA,
    _key("experiment", String(32)),
    _key("day", String(10)),
    _key("measure", String(16)),
    _key("variant", String(16)),
    _required("rows", Integer),
    _required("total", Float(53)),
    _required("squares", Float(53)),
)
"""Sums over the mature outcomes of a day's predictions: of losses by variant, or of differences of paired losses."""
OUTCOMES = Table(
    "outcomes",
    METADATA,
    _key("id", BigInteger().with_variant(Integer, "sqlite")),
    _required("model", String(64)),
    _required("subject", LargeBinary(12)),  # the key of a customer or of a request, see monitoring/customer_keys.py
    _required("by_request", Boolean),
    _required("day", Date),
    _required("left", Boolean),
    _required("contacted", Boolean),
    _optional("kept_by", String(64)),
    _required("received_at", Utc),
    _required("received_by", String(128)),
    _optional("replaced_at", Utc),  # by a later row of the same subject and day
    _required("known", Boolean),  # whether a prediction of the subject was found
    Index("ix_outcomes_subject", "model", "subject"),
    Index("ix_outcomes_day", "model", "day"),
)
"""Who left and when, as reported. Replaced rows are kept."""

OUTCOMES_COMPLETE = Table(
    "outcomes_complete",
    METADATA,
    _key("model", String(64)),
    _required("until", Date),
    _required("declared_at", Utc),
    _required("declared_by", String(128)),
)
"""Until which day all leavers of a model are reported."""

QUALITY_PERIODS = Table(
    "quality_periods",
    METADATA,
    _key("log", String(32)),  # the prediction log that was read: machines may have their own
    _key("model", String(64)),
    _key("version", String(16)),
    _key("first", Date),
    _required("last", Date),
    _required("inputs", String(64)),  # a digest of what the figures were computed from
    _required("without_identifier", BigInteger),  # predictions whose customer is not known
    _required("computed_at", Utc),
)
"""Periods whose predictions were joined with outcomes."""

QUALITY_DAYS = Table(
    "quality_days",
    METADATA,
    _key("log", String(32)),
    _key("model", String(64)),
    _key("version", String(16)),
    _key("variant", String(16)),
    _key("day", Date),
    _key("contacted", Boolean),
    _required("leavers", LargeBinary),  # predictions by the bin of their probability, see quality_counts.py
    _required("loyal", LargeBinary),
    _required("true_positives", BigInteger),
    _required("false_positives", BigInteger),
)
"""Mature predictions by day and probability, of customers who left and of those who did not."""
