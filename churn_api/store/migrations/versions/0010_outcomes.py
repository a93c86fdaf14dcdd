"""Outcomes, and the quality that follows from them."""

import sqlalchemy as sa
from alembic import op

from churn_api.store.table_columns import Utc

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("subject", sa.LargeBinary(12), nullable=False),
        sa.Column("by_request", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("left", sa.Boolean(), nullable=False),
        sa.Column("contacted", sa.Boolean(), nullable=False),
        sa.Column("kept_by", sa.String(64)),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("received_by", sa.String(128), nullable=False),
        sa.Column("replaced_at", Utc()),
        sa.Column("known", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_outcomes_subject", "outcomes", ["model", "subject"])
    op.create_index("ix_outcomes_day", "outcomes", ["model", "day"])
    op.create_table(
        "outcomes_complete",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("declared_at", Utc(), nullable=False),
        sa.Column("declared_by", sa.String(128), nullable=False),
    )
    op.create_table(
        "quality_periods",
        sa.Column("log", sa.String(32), primary_key=True),
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(16), primary_key=True),
        sa.Column("first", sa.Date(), primary_key=True),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("inputs", sa.String(64), nullable=False),
        sa.Column("without_identifier", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", Utc(), nullable=False),
    )
    op.create_table(
        "quality_days",
        sa.Column("log", sa.String(32), primary_key=True),
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(16), primary_key=True),
        sa.Column("variant", sa.String(16), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("contacted", sa.Boolean(), primary_key=True),
        sa.Column("leavers", sa.LargeBinary(), nullable=False),
        sa.Column("loyal", sa.LargeBinary(), nullable=False),
        sa.Column("true_positives", sa.BigInteger(), nullable=False),
        sa.Column("false_positives", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("quality_days", "quality_periods", "outcomes_complete", "outcomes"):
        op.drop_table(table)
