"""Keys take turns in the queue of jobs, have quotas of it, and leases survive a clock that is set back."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns to the jobs."""
    op.add_column("jobs", sa.Column("input_bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("turn", sa.BigInteger()))
    op.add_column("jobs", sa.Column("leased_at", Utc()))
    op.create_index("ix_jobs_turn", "jobs", ["owner", "turn"])
    op.create_index("ix_jobs_quota", "jobs", ["owner", "state"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_jobs_quota", "jobs")
    op.drop_index("ix_jobs_turn", "jobs")
    for column in ("leased_at", "turn", "input_bytes"):
        op.drop_column("jobs", column)
