"""The database: upgrade, show, copy; and the audit."""

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
To restore, stop the service, put the copy in the place of churn.db, remove churn.db-wal and churn.db-shm, and start it.
"""


@click.group()
def db() -> None:
    """The database of keys, models and the audit."""


@db.command()
def upgrade() -> None:
    """Bring the database to the schema that this version needs. Safe to run again, and from many machines at once."""
    with open_services(checked=False) as found:
        before = schema.upgrade(found.database)
    click.echo(f"schema {schema.HEAD}" + ("" if before == schema.HEAD else f" (before: {before or 'none'})"))


@db.command()
def current() -> None:
    """Print the database's schema, and the one that this version needs."""
    with open_services(checked=False) as found:
        click.echo(f"has {schema.current(found.database) or 'none'}, needs {schema.HEAD}")


@db.command(epilog=BACKUP_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace FILE where there is one.")
def backup(file: Path, overwrite: bool) -> None:
    """Copy the SQLite database to FILE, while the service runs."""
    with open_services() as found:
        try:
            copy_database(found.database, file, overwrite=overwrite)
        except FileExistsError:
            refuse(f"{file} exists: name another file, or say --overwrite")
        except NoFile:
            where = f"the database {found.database.location}"
            refuse(f"{where} is on a server: pg_dump copies it, as docs/operations.md shows")
        except (OSError, sqlite3.Error) as error:
            refuse(f"{file} cannot be written: {error}")
    click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


@click.command()
@click.option("--limit", type=IntegerRange(1, 100_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object a line in place of the table.")
def audit(limit: int, json_: bool) -> None:
    """Show who managed what, and when."""
    with open_services() as found:
        told = latest_entries(found.database, limit)
    if json_:
        for act in told:
            click.echo(orjson.dumps(act._asdict()))
        return
    rows = [
        [f"{act.at:%Y-%m-%d %H:%M:%S}", act.actor, act.action, act.subject, orjson.dumps(act.detail).decode()]
        for act in told
    ]
    print_table(["at (UTC)", "actor", "action", "subject", "detail"], rows)
