"""Counts of predictions by hour."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "watch_hours",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(16), primary_key=True),
        sa.Column("hour", Utc(), primary_key=True),
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_watch_hours_hour", "watch_hours", ["hour"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("watch_hours")
