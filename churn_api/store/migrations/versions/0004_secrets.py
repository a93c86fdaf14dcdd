"""Fingerprints of the service's secrets."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("noted_at", Utc(), nullable=False),
        sa.Column("noted_by", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("secrets")
