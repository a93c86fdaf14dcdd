"""The tables of monitoring: what was counted, compared and reported of predictions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from churn_api.store.table_columns import METADATA, Utc, key, optional, required

LISTED_CUSTOMERS = Table(
    "listed_customers",
    METADATA,
    key("job", String(64)),  # that made the list; of a list without a job a digest of the model and the table
    key("customer", LargeBinary(12)),  # see monitoring/customer_keys.py
    required("model", String(64)),
    required("called", Boolean),  # whether the customer was to be called, or was in the control group
    required("listed_on", Date),
    required("due", Date),  # the last day of the horizon
    Index("ix_listed_customers", "model", "customer", "listed_on"),
    Index("ix_listed_customers_on", "listed_on"),
    Index("ix_listed_customers_key", "customer"),
)
"""Customers of call lists that have a control group, to see later what calling changed."""

WATCH_HOURS = Table(
    "watch_hours",
    METADATA,
    key("model", String(64)),
    key("version", String(16)),
    key("hour", Utc),
    key("source", String(64)),  # the process that counted, or a sum of several
    required("counts", LargeBinary),  # doubles, little-endian
    Index("ix_watch_hours_hour", "hour"),
)
"""Predictions by the bins of their model's baseline. A process replaces its own rows, so that nothing counts twice."""

ERASURES = Table(
    "erasures",
    METADATA,
    key("customer", LargeBinary(12)),  # see monitoring/customer_keys.py
    required("at", Utc),  # what was predicted until then is erased
    required("by", String(128)),
    Index("ix_erasures_at", "at"),
)
"""Customers whose predictions were erased."""

EXPERIMENTS = Table(
    "experiments",
    METADATA,
    key("id", String(32)),
    required("model", String(64)),
    required("champion", String(16)),  # the version that was live at the start
    required("challenger", String(16)),
    required("mode", String(16)),
    required("share", Integer),  # ten-thousandths of the customers
    required("salt", String(64)),
    required("started_at", Utc),
    required("started_by", String(128)),
    optional("stopped_at", Utc),
    optional("stopped_by", String(128)),
    optional("reason", Text),
    optional("evidence", Text),  # JSON, as the next
    optional("result", Text),
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
    key("experiment", String(32)),
    key("source", String(64)),  # the process that counted
    required("counts", LargeBinary),  # doubles, little-endian
)
"""What each process has counted of an experiment since it began. A process replaces its own row."""

EXPERIMENT_DAYS = Table(
    "experiment_days",
    METADATA,
    key("experiment", String(32)),
    key("day", String(10)),
    key("measure", String(16)),
    key("variant", String(16)),
    required("rows", Integer),
    required("total", Float(53)),
    required("squares", Float(53)),
)
"""Sums over the mature outcomes of a day's predictions: of losses by variant, or of differences of paired losses."""

OUTCOMES = Table(
    "outcomes",
    METADATA,
    key("id", BigInteger().with_variant(Integer, "sqlite")),
    required("model", String(64)),
    required("subject", LargeBinary(12)),  # the key of a customer or of a request, see monitoring/customer_keys.py
    required("by_request", Boolean),
    required("day", Date),
    required("left", Boolean),
    required("contacted", Boolean),
    optional("kept_by", String(64)),
    required("received_at", Utc),
    required("received_by", String(128)),
    optional("replaced_at", Utc),  # by a later row of the same subject and day
    required("known", Boolean),  # whether a prediction of the subject was found
    Index("ix_outcomes_subject", "model", "subject"),
    Index("ix_outcomes_day", "model", "day"),
)
"""Who left and when, as reported. Replaced rows are kept."""

OUTCOMES_COMPLETE = Table(
    "outcomes_complete",
    METADATA,
    key("model", String(64)),
    required("until", Date),
    required("declared_at", Utc),
    required("declared_by", String(128)),
)
"""Until which day all leavers of a model are reported."""

QUALITY_PERIODS = Table(
    "quality_periods",
    METADATA,
    key("log", String(32)),  # the prediction log that was read: machines may have their own
    key("model", String(64)),
    key("version", String(16)),
    key("first", Date),
    required("last", Date),
    required("inputs", String(64)),  # a digest of what the figures were computed from
    required("without_identifier", BigInteger),  # predictions whose customer is not known
    required("computed_at", Utc),
)
"""Periods whose predictions were joined with outcomes."""

QUALITY_DAYS = Table(
    "quality_days",
    METADATA,
    key("log", String(32)),
    key("model", String(64)),
    key("version", String(16)),
    key("variant", String(16)),
    key("day", Date),
    key("contacted", Boolean),
    required("leavers", LargeBinary),  # predictions by the bin of their probability, see quality_counts.py
    required("loyal", LargeBinary),
    required("true_positives", BigInteger),
    required("false_positives", BigInteger),
)
"""Mature predictions by day and probability, of customers who left and of those who did not."""
