"""The services of an application, kept in `app.extensions`: two applications in one process share nothing."""

from flask import Flask

from churn_api.registry.live import LiveModels
from churn_api.services import Services
from churn_api.web.core.application_close import on_close
from churn_api.web.core.request_record import current_request

_KEY = "churn_api"


def attach_services(app: Flask, services: Services) -> None:
    """Attach services to an application; closing it closes them."""
    app.extensions[_KEY] = services
    on_close(app, services.close)


def has_services(app: Flask) -> bool:
    """Whether an application was created by this package."""
    return _KEY in app.extensions


def services_of(app: Flask) -> Services:
    """The services of an application."""
    attached: Services = app.extensions[_KEY]
    return attached


def services() -> Services:
    """The services of the current request's application."""
    return services_of(current_request().app)


def live_models() -> LiveModels:
    """The live models of the current request's application."""
    return services().live
