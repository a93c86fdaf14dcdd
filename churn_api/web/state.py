"""What belongs to one application: two of them in one process share nothing."""

from flask import Flask, current_app

from churn_api.registry.live import LiveModels

_KEY = "churn_api"


def attach(app: Flask, live: LiveModels) -> None:
    """Give an application its models."""
    app.extensions[_KEY] = live


def live_models() -> LiveModels:
    """The current application's models."""
    models: LiveModels = current_app.extensions[_KEY]
    return models
