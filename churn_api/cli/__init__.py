"""The `churn-api` command. Results go to stdout, progress and complaints to stderr.

Exit codes: 0 done, 1 interrupted, 2 refused; nothing is written unless it is done. `score` has one more.
"""

import click

from churn_api import __version__
from churn_api.cli.config import config
from churn_api.cli.database import audit, db
from churn_api.cli.jobs import jobs
from churn_api.cli.keys import keys
from churn_api.cli.models import models
from churn_api.cli.score import score
from churn_api.cli.serve import serve
from churn_api.cli.training import package, sample_data, train
from churn_api.cli.worker import worker


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="churn-api")
def main() -> None:
    """Churn probabilities over HTTP: train a model on a table of customers, and serve it."""


for command in (train, package, sample_data, serve, score, models, jobs, worker, keys, db, audit, config):
    main.add_command(command)
