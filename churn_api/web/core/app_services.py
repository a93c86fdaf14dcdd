"""What belongs to one application: two of them in one process share nothing."""

from flask import Flask

from churn_api.registry.live import LiveModels
from churn_api.services import Services
from churn_api.web.core.cleanup import on_close
from churn_api.web.core.request_record import current_request

_KEY = "churn_api"


def attach_services(app: Flask, services: Services) -> None:
    """Give an application its services."""
    app.extensions[_KEY] = services
    on_close(app, services.close)


def has_services(app: Flask) -> bool:
    """Whether an application is one of the API's own."""
    return _KEY in app.extensions


def services_of(app: Flask) -> Services:
    """The services of an application."""
    attached: Services = app.extensions[_KEY]
    return attached


def services() -> Services:
    """The services of the application that answers."""
    return services_of(current_request().app)


def live_models() -> LiveModels:
    """The models of the application that answers."""
    return services().live
