"""Costs of calls by model."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "model_costs",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("policy", sa.Integer(), primary_key=True),
        sa.Column("costs", sa.Text(), nullable=True),
        sa.Column("set_at", Utc(), nullable=False),
        sa.Column("set_by", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("model_costs")
