"""`churn-api call-list`: whom of a file's customers to call, without a server."""

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from churn_api.cli.call_list_report import report_list
from churn_api.cli.command_helpers import FiniteRange, IntegerRange, refuse
from churn_api.cli.scoring_run import Listing, run_scoring
from churn_api.cli.scoring_task import ROWS_SKIPPED, print_summary, scoring_folder, scoring_options, scoring_task
from churn_api.serving.call_list_options import MAX_CONTROL_SHARE, CallList
from churn_api.tables.formats import TITLES
from churn_api.web import API_V1

if TYPE_CHECKING:
    from churn_api.serving.table_scorer import ScoringTask

EXAMPLES = """
\b
Examples:
  churn-api call-list customers.csv --budget 5000 -o calls.csv
  churn-api call-list customers.parquet --model telco --capacity 500 --reasons 3 -o calls.xlsx
  churn-api call-list customers.csv --capacity 500 --control-share 0.1 --value-column CLTV -o calls.csv

\b
Exit codes:
  0  the list is written
  1  interrupted; nothing is written
  2  refused, with the reason on stderr; no output is written (a pipe may have received a part of it)
  3  written, but bad rows of TABLE were left out (--on-error skip)
"""

_HELP = f"""List the customers of TABLE whose call gains most: {TITLES}, text gzipped or not; `-` is stdin.

What a call gains follows from the costs of the model (PUT {API_V1}/models/NAME/costs). The list is in order of the
gain, and ends where a call gains nothing, or capacity or budget is used up.
"""


@click.command("call-list", epilog=EXAMPLES, help=_HELP)
@scoring_options
@click.option("--capacity", type=IntegerRange(1), metavar="N", help="At most N calls.")
@click.option("--budget", type=FiniteRange(0, min_open=True), metavar="AMOUNT", help="What calls and offers may cost.")
@click.option(
    "--value-column", metavar="COL", help="Column that says what a customer is worth. [default: of the costs]"
)
@click.option(
    "--control-share",
    type=FiniteRange(0, MAX_CONTROL_SHARE),
    default=0.0,
    metavar="SHARE",
    help="Share of the list that is not to be called, at random, to see what calling changes.",
)
def call_list(table: str, output: str, errors: str | None, **options: Any) -> None:
    """List whom to call."""
    with scoring_folder(table, output, errors) as folder:
        task = _listing_task(scoring_task(table, output, folder, options), options)
        listing = Listing(folder, _salt(task), [])
        progress = run_scoring(task, output, errors, options["on_error"], options["processes"], listing)
    print_summary(progress, output)
    if progress.call_list is not None:
        report_list(task, listing, progress.call_list)
    sys.exit(ROWS_SKIPPED if progress.bad_rows else 0)


def _listing_task(task: "ScoringTask", options: dict[str, Any]) -> "ScoringTask":
    if task.costs is None:
        refuse(
            "the model has no costs in the database, from which a gain would follow: "
            f"PUT {API_V1}/models/{Path(task.bundle).parent.name}/costs sets them"
        )
    costs = task.costs.costs
    if options["value_column"] is not None:
        costs = msgspec.structs.replace(costs, value=options["value_column"], months=1.0, margin=1.0)
    chosen = {name: options[name] for name in ("capacity", "budget", "control_share")}
    return task._replace(call_list=CallList(costs=costs, policy=task.costs.policy, **chosen))


def _salt(task: "ScoringTask") -> str:
    """Of the table: the same table gives the same control group, and that of next month another one."""
    with Path(task.layout.path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
