"""`python -m churn_api`: the `churn-api` command, wherever it is installed."""

from churn_api.cli import main

main(prog_name="churn-api")
