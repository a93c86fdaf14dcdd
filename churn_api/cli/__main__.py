"""`python -m churn_api.cli`, for who starts the command without knowing where it is installed."""

from churn_api.cli import main

main(prog_name="churn-api")
