"""Customers of call lists."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "listed_customers",
        sa.Column("job", sa.String(64), primary_key=True),
        sa.Column("customer", sa.LargeBinary(12), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("called", sa.Boolean(), nullable=False),
        sa.Column("listed_on", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
    )
    op.create_index("ix_listed_customers", "listed_customers", ["model", "customer", "listed_on"])
    op.create_index("ix_listed_customers_on", "listed_customers", ["listed_on"])
    op.create_index("ix_listed_customers_key", "listed_customers", ["customer"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("listed_customers")
