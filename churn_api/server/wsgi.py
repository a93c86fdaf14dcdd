"""The application that gunicorn and flask serve."""

from churn_api.app import create_app

app = create_app()
