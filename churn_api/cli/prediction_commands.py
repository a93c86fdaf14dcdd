"""`churn-api predictions`: find what was predicted, erase a customer, compact the log."""

from datetime import UTC, datetime, timedelta

import click
import orjson

from churn_api.cli.command_helpers import IntegerRange, actor, open_services, print_table, refuse
from churn_api.scoring.output import PREDICTION, PROBABILITY
from churn_api.settings import MAX_KEEP_DAYS

EXAMPLES = """
\b
Examples:
  churn-api predictions show
  churn-api predictions show --request 4f1c9b2e
  churn-api predictions show --customer C-1042 --days 400 --json
  churn-api predictions erase C-1042
  churn-api predictions compact
"""
HEAD = ["at (UTC)", "request", "row", "model", "version", "variant", "churn", "probability", "threshold"]


@click.group(epilog=EXAMPLES)
def predictions() -> None:
    """The prediction log: what was predicted, when, and for whom."""


@predictions.command()
@click.option("--request", "request_id", help="Id of a request or of a job.")
@click.option("--customer", "customer_id", help="Identifier of a customer, as the service receives it.")
@click.option("--days", type=IntegerRange(1, MAX_KEEP_DAYS), default=30, show_default=True, help="How many days back.")
@click.option("--limit", type=IntegerRange(1, 100_000), default=50, show_default=True, help="How many, newest first.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object a line instead of the table.")
def show(request_id: str | None, customer_id: str | None, days: int, limit: int, json_: bool) -> None:
    """Show what was predicted lately, in a request or for a customer, by the machines that share this one's folder."""
    from churn_api.monitoring.found_predictions import Wanted, found_predictions

    since = (datetime.now(UTC) - timedelta(days=days)).date()
    with open_services() as services:
        wanted = Wanted(request_id, services.monitoring.customer_keys.key(customer_id))
        found = found_predictions(services.monitoring.log_folder, services.database, wanted, since, limit)
    if json_:
        for row in found:
            click.echo(orjson.dumps(row, option=orjson.OPT_UTC_Z))
        return
    print_table(HEAD, [_cells(row) for row in found])


@predictions.command()
@click.argument("customer")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(customer: str, yes: bool) -> None:
    """Erase what was predicted for CUSTOMER until now, on all machines.

    Nothing finds it from now on. Each machine's job worker, or `churn-api predictions compact`, rewrites its files.
    """
    from churn_api.monitoring.erasures import erase as erase_customer

    if not yes:
        click.confirm("What was predicted for this customer will be lost. Continue?", abort=True, err=True)
    with open_services() as services:
        until = erase_customer(services.database, services.monitoring.customer_keys.key(customer), by=actor())
    click.echo(f"erased until {until:%Y-%m-%d %H:%M:%S} UTC", err=True)


@predictions.command()
def compact() -> None:
    """Compact the log of this machine now, carry out erasures, and remove old days.

    The job worker does so every half minute; use this where none runs. Answers of the last minute stay where the
    servers write them.
    """
    with open_services() as services:
        try:
            maintained = services.monitoring.log_maintenance.run()
        except OSError as error:
            refuse(f"{services.monitoring.log_folder.path} cannot be compacted: {error.strerror}")
    if maintained is None:
        refuse("another process compacts the log at this moment")
    click.echo(
        f"{maintained.rows:,} predictions compacted, {maintained.erased_files} files rewritten for erasures, "
        f"{maintained.removed_days} days removed",
        err=True,
    )


def _cells(row: dict[str, object]) -> list[str]:
    names = ("request_id", "row", "model_name", "model_version", "variant", PREDICTION.name, PROBABILITY.name)
    at = f"{row['at']:%Y-%m-%d %H:%M:%S}"
    return [at, *(str(row[name]) for name in names), str(row["threshold"])]
