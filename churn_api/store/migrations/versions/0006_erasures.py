"""Customers whose predictions were erased."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "erasures",
        sa.Column("customer", sa.LargeBinary(12), primary_key=True),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", sa.String(128), nullable=False),
    )
    op.create_index("ix_erasures_at", "erasures", ["at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("erasures")
