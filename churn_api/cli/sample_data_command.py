"""`churn-api sample-data`."""

import sys
from pathlib import Path

import click

from churn_api.cli.bundle_output import read_signature
from churn_api.cli.command_helpers import IntegerRange, refuse
from churn_api.cli.training_libraries import require_training_libraries
from churn_api.contract.signature import SignatureError

_EXAMPLES = """
\b
Examples:
  churn-api sample-data > customers.csv
  churn-api sample-data --rows 100000 --seed 7 > customers.csv
  churn-api sample-data --signature signature.json > made-up.csv
  churn-api sample-data --rows 160000 --categories 370 --noise 16 > wide.csv
"""


@click.command("sample-data", epilog=_EXAMPLES)
@click.option("--rows", type=IntegerRange(min=1, max=10_000_000), default=10_000, show_default=True)
@click.option("--seed", type=IntegerRange(min=0), default=0, show_default=True)
@click.option("--signature", type=click.Path(path_type=Path), metavar="FILE", help="Signature of the table (JSON).")
@click.option(
    "--categories", type=IntegerRange(min=0, max=10_000), default=0, help="Add columns of so many categories together."
)
@click.option("--noise", type=IntegerRange(min=0, max=1_000), default=0, help="Add columns of numbers without meaning.")
def sample_data(rows: int, seed: int, signature: Path | None, categories: int, noise: int) -> None:
    """Print a synthetic table of customers as CSV: realistic, with missing values, the same for the same seed.

    With --signature, its columns are those of a signature, and every row is valid under it.
    """
    if signature and (categories or noise):
        refuse("--signature cannot be combined with --categories and --noise")
    require_training_libraries()
    from churn_api.training.sample import sample_table
    from churn_api.training.signature_sample import sample_of_signature

    if signature:
        try:
            table = sample_of_signature(read_signature(signature), rows, seed)
        except SignatureError as error:
            refuse(str(error))
    else:
        table = sample_table(rows, seed, categories=categories, noise=noise)
    table.to_csv(sys.stdout, index=False)
