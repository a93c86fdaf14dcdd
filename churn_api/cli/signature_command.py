"""`churn-api signature`: what training would infer from a table."""

from pathlib import Path
from typing import Any

import click

from churn_api.cli.command_helpers import refuse
from churn_api.cli.table_options import table_options, training_options
from churn_api.cli.training_libraries import require_training_libraries

EXAMPLES = """
\b
Examples:
  churn-api signature customers.csv --target Churn > signature.json
  churn-api train customers.csv --target Churn --signature signature.json      (once it is edited)
  churn-api sample-data --signature signature.json > made-up.csv
"""


@click.command(epilog=EXAMPLES)
@table_options
def signature(table: Path, **chosen: Any) -> None:
    """Print the signature (JSON) that `train` would infer from TABLE, to edit and pass to `train --signature`.

    What was assumed about the table is printed to stderr.
    """
    require_training_libraries()
    from churn_api.training.preparation import prepare
    from churn_api.training.training_error import TrainingError

    try:
        data = prepare(table, training_options(chosen))
    except TrainingError as error:
        refuse(str(error))
    for remark in data.remarks:
        click.echo(remark.text, err=True)
    click.echo(data.signature.to_json())
