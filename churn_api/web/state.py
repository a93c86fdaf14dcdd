"""What belongs to one application: two of them in one process share nothing."""

from flask import Flask, current_app

from churn_api.registry.live import LiveModels
from churn_api.services import Services

_KEY = "churn_api"


def attach(app: Flask, services: Services) -> None:
    """Give an application its services."""
    app.extensions[_KEY] = services


def services_of(app: Flask) -> Services:
    """The services of an application."""
    attached: Services = app.extensions[_KEY]
    return attached


def services() -> Services:
    """The current application's services."""
    return services_of(current_app)


def live_models() -> LiveModels:
    """The current application's models."""
    return services().live
