"""Experiments: two versions of a model side by side."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("champion", sa.String(16), nullable=False),
        sa.Column("challenger", sa.String(16), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(64), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("started_by", sa.String(128), nullable=False),
        sa.Column("stopped_at", Utc()),
        sa.Column("stopped_by", sa.String(128)),
        sa.Column("reason", sa.Text()),
        sa.Column("evidence", sa.Text()),
        sa.Column("result", sa.Text()),
    )
    running = sa.text("stopped_at IS NULL")
    op.create_index(
        "ix_experiments_running",
        "experiments",
        ["model"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_index("ix_experiments_started", "experiments", ["started_at"])
    op.create_table(
        "experiment_counts",
        sa.Column("experiment", sa.String(32), primary_key=True),
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "experiment_days",
        sa.Column("experiment", sa.String(32), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("measure", sa.String(16), primary_key=True),
        sa.Column("variant", sa.String(16), primary_key=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("total", sa.Float(53), nullable=False),
        sa.Column("squares", sa.Float(53), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("experiment_days", "experiment_counts", "experiments"):
        op.drop_table(table)
