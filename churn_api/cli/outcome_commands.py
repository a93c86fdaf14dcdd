"""`churn-api outcomes`: report who left, from a file of any size."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.command_helpers import actor, open_services, refuse
from churn_api.cli.file_options import file_options, take_read_options
from churn_api.cli.model_selection import select_bundle
from churn_api.contract.remark import counted
from churn_api.contract.size_limits import NO_BOUNDS
from churn_api.monitoring.outcome_reader import InvalidOutcomes, OutcomeReader
from churn_api.monitoring.outcome_record import latest_day
from churn_api.monitoring.outcome_store import Receipt, declare_complete, store
from churn_api.registry.bundle import BundleError, read_card
from churn_api.tables.formats import FORMATS, TITLES, format_of_name

if TYPE_CHECKING:
    from churn_api.services import Services
    from churn_api.tables.file_parts import Layout

MAX_SHOWN = 10
_ODD = {
    "replaced": "replace what was reported before",
    "repeated": "stand in the file again",
    "contradictory": "contradict another row, or an earlier report",
    "late": "are for days that had been declared complete: figures are computed again",
}

EXAMPLES = """
\b
Examples:
  churn-api outcomes load left.csv
  churn-api outcomes load left.parquet --model telco --until 2026-06-30
  churn-api outcomes complete 2026-06-30 --model telco

\b
Exit codes:
  0  stored
  1  interrupted: rows before that are stored; load the file again
  2  refused, with the reason on stderr; nothing is stored
"""


@click.group(epilog=EXAMPLES)
def outcomes() -> None:
    """Outcomes: who left and when, so that the live quality of a model is known."""


_HELP = f"""Report the outcomes in TABLE: {TITLES}, text gzipped or not.

Columns: `customer_id` (or the model's name for it) or `request_id`; `left` (yes, no, or the labels of the training
table); `on` (a date); perhaps `contacted` and `kept_by`. Loading a file again changes nothing.
"""
_MODEL = click.option("--model", metavar="NAME", help="Model. [default: DEFAULT_MODEL]")


@outcomes.command(epilog=EXAMPLES, help=_HELP)
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_MODEL
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Declare in addition that everyone who left up to this day is reported.",
)
@click.option("--from", "source_format", type=click.Choice(list(FORMATS)), help="[default: by the file name]")
@file_options
def load(table: Path, model: str | None, until: datetime | None, source_format: str | None, **options: Any) -> None:
    """Report the outcomes in a table."""
    from churn_api.tables.layout import open_table
    from churn_api.tables.table_errors import TableError

    _check_day(until)
    name = source_format or format_of_name(table.name)
    if name is None:
        refuse(f"the name {table} has no known suffix: add --from {', '.join(FORMATS)}")
    with _model_reader(model) as (services, card_name, reader), tempfile.TemporaryDirectory() as folder:
        try:
            layout = open_table(table, name, Path(folder), NO_BOUNDS, take_read_options(options))
            receipt = _load(services, card_name, reader, layout)
        except InvalidOutcomes as error:
            refuse(_complaint(table, error))
        except TableError as error:
            refuse(str(error))
        if until is not None:
            declare_complete(services.database, card_name, until.date(), by=actor())
    _print(receipt)


@outcomes.command(epilog=EXAMPLES)
@click.argument("until", type=click.DateTime(["%Y-%m-%d"]))
@_MODEL
def complete(until: datetime, model: str | None) -> None:
    """Declare that everyone who left up to the day UNTIL is reported: the others have stayed."""
    _check_day(until)
    with _model_reader(model) as (services, card_name, _):
        declare_complete(services.database, card_name, until.date(), by=actor())


def _check_day(until: datetime | None) -> None:
    if until is not None and until.date() > latest_day():
        refuse("a day in the future cannot be complete")


@contextmanager
def _model_reader(model: str | None) -> "Iterator[tuple[Services, str, OutcomeReader]]":
    folder, digest, _ = select_bundle(model, None)
    try:
        card = read_card(folder, digest)
    except BundleError as error:
        refuse(f"{folder}: {error}")
    with open_services() as services:
        yield services, card.name, OutcomeReader(card.signature, services.monitoring.customer_keys)


def _load(services: "Services", model: str, reader: OutcomeReader, layout: "Layout") -> Receipt:
    """Store the rows of a file, once all of them are valid. Raises InvalidOutcomes, TableError."""
    for _ in reader.read_table(layout):
        pass
    total = Receipt()
    for rows in reader.read_table(layout):
        total = total.plus(store(services.database, model, rows, by=actor()))
    return total


def _complaint(table: Path, error: InvalidOutcomes) -> str:
    shown = [f"row {one.row}, column {one.column!r}: {one.message}" for one in error.errors[:MAX_SHOWN]]
    more = len(error.errors) + error.more - len(shown)
    return f"{table}: {' '.join(shown)}" + (f" And {counted(more, 'more cell')}." if more else "")


def _print(receipt: Receipt) -> None:
    click.echo(f"{receipt.received:,} rows: {receipt.stored:,} new, {receipt.unchanged:,} reported before", err=True)
    for name, words in _ODD.items():
        positions = sorted(getattr(receipt, name))
        if positions:
            rows = ", ".join(map(str, positions[:MAX_SHOWN])) + (" …" if len(positions) > MAX_SHOWN else "")
            click.echo(f"{counted(len(positions), 'row')} {words}: {rows}", err=True)
