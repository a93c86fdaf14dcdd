"""`python -m churn_api` runs the `churn-api` command."""

from churn_api.cli import main

main(prog_name="churn-api")
