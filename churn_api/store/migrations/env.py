"""Alembic's entry: migrates the connection that `store/schema.py` hands it."""

from alembic import context

from churn_api.store import monitoring_tables, tables  # noqa: F401 - METADATA has the tables of imported modules
from churn_api.store.table_columns import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
