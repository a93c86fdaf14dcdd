"""`churn-api score`: score a file with the scoring engine of jobs, without a server."""

import sys
from typing import Any

import click

from churn_api.cli.command_helpers import FiniteRange
from churn_api.cli.scoring_run import run_scoring
from churn_api.cli.scoring_task import ROWS_SKIPPED, print_summary, scoring_folder, scoring_options, scoring_task
from churn_api.tables.formats import TITLES

EXAMPLES = """
\b
Examples:
  churn-api score customers.csv -o scored.csv
  churn-api score customers.parquet -o scored.parquet --model telco --keep all
  churn-api score customers.csv -o scored.csv --reasons 3
  churn-api score customers.csv -o scored.csv.gz --on-error skip --errors errors.ndjson
  zcat customers.csv.gz | churn-api score - --model telco > scored.csv

\b
Exit codes:
  0  every row was scored
  1  interrupted; nothing is written
  2  refused, with the reason on stderr; no output is written (a pipe may have received a part of it)
  3  written, but bad rows have no scores (--on-error skip)
"""


_HELP = f"""Score every customer of TABLE: {TITLES}, text gzipped or not; `-` is stdin.

The result has a row for each row of TABLE, in order.
"""


@click.command(epilog=EXAMPLES, help=_HELP)
@scoring_options
@click.option(
    "--threshold",
    type=FiniteRange(0, 1),
    help="Probability that predicts churn. [default: of the costs, or the model's]",
)
def score(table: str, output: str, errors: str | None, **options: Any) -> None:
    """Score a file of any format."""
    with scoring_folder(table, output, errors) as folder:
        task = scoring_task(table, output, folder, options)
        progress = run_scoring(task, output, errors, options["on_error"], options["processes"])
    print_summary(progress, output)
    sys.exit(ROWS_SKIPPED if progress.bad_rows else 0)
