"""`churn-api db` and `churn-api audit`: upgrade, show and copy the database, and read the audit log."""

import sqlite3
from pathlib import Path

import click
import orjson

from churn_api.cli.command_helpers import IntegerRange, open_services, print_table, refuse
from churn_api.store import schema
from churn_api.store.audit import latest_entries
from churn_api.store.backup import NoFile
from churn_api.store.backup import backup as copy_database

BACKUP_EXAMPLES = """
\b
Examples:
  churn-api db backup /backups/churn-$(date +%F).db

\b
To restore, stop the service, replace churn.db by the copy, remove churn.db-wal and churn.db-shm, and start it.
"""


@click.group()
def db() -> None:
    """The database of keys, models, jobs and the audit log."""


@db.command()
def upgrade() -> None:
    """Migrate the database to the schema of this version. Safe to repeat, and to run on many machines at once."""
    with open_services(checked=False) as services:
        before = schema.upgrade(services.database)
    click.echo(f"schema {schema.HEAD}" + ("" if before == schema.HEAD else f" (before: {before or 'none'})"))


@db.command()
def current() -> None:
    """Print the schema version of the database, and the one that this version needs."""
    with open_services(checked=False) as services:
        click.echo(f"has {schema.current(services.database) or 'none'}, needs {schema.HEAD}")


@db.command(epilog=BACKUP_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
def backup(file: Path, overwrite: bool) -> None:
    """Copy the SQLite database to FILE. The service may run."""
    with open_services() as services:
        try:
            copy_database(services.database, file, overwrite=overwrite)
        except FileExistsError:
            refuse(f"{file} exists: name another file, or add --overwrite")
        except NoFile:
            where = f"the database {services.database.location}"
            refuse(f"{where} is on a server: pg_dump copies it, as docs/operations.md shows")
        except (OSError, sqlite3.Error) as error:
            refuse(f"{file} cannot be written: {error}")
    click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


@click.command()
@click.option("--limit", type=IntegerRange(1, 100_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object a line instead of the table.")
def audit(limit: int, json_: bool) -> None:
    """Show the audit log: who changed what, and when."""
    with open_services() as services:
        entries = latest_entries(services.database, limit)
    if json_:
        for entry in entries:
            click.echo(orjson.dumps(entry._asdict()))
        return
    rows = [
        [f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.actor, entry.action, entry.subject, orjson.dumps(entry.detail).decode()]
        for entry in entries
    ]
    print_table(["at (UTC)", "actor", "action", "subject", "detail"], rows)
