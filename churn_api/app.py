"""The application: a table of contents."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from churn_api.config import load_settings
from churn_api.services import Services
from churn_api.web.core import (
    access_log,
    cross_origin,
    draining,
    errors,
    guard,
    headers,
    health,
    limits,
    metrics,
    state,
)
from churn_api.web.core import request_record as exchange
from churn_api.web.core import tracing as traces
from churn_api.web.core import trusted_hosts as hosts
from churn_api.web.core.flask_app import Api
from churn_api.web.core.json_provider import OrjsonProvider
from churn_api.web.pages import api_page as docs
from churn_api.web.pages import root
from churn_api.web.v1 import batch_predict as batch
from churn_api.web.v1 import job_results as results
from churn_api.web.v1 import jobs, models, predict, status, token

API = "/api/v1"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """An application of its own: settings, services and routes. `config` takes the place of the environment.

    Raises StartError with what to do about it.
    """
    app = Api("churn_api", static_folder="web/pages/static", template_folder="web/pages/templates")
    app.config.from_mapping(load_settings(config, others=app.config))
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    services = Services(app.config)
    services.open()
    state.attach(app, services)

    headers.init_app(app)
    metrics.init_app(app, services)
    exchange.init_app(app, traces.Traces(app), metrics.metrics_of(app).recorder, access_log.AccessLog(app))
    draining.init_app(app)
    errors.init_app(app)
    hosts.init_app(app)
    cross_origin.init_app(app)
    guard.init_app(app)
    limits.init_app(app)
    guard.init_enforcement(app)
    app.register_blueprint(root.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(predict.blueprint, url_prefix=API)
    app.register_blueprint(batch.blueprint, url_prefix=API)
    app.register_blueprint(jobs.blueprint, url_prefix=API)
    app.register_blueprint(results.blueprint, url_prefix=API)
    app.register_blueprint(models.blueprint, url_prefix=API)
    app.register_blueprint(token.blueprint, url_prefix=API)
    app.register_blueprint(status.blueprint, url_prefix=API)
    app.register_blueprint(metrics.blueprint, url_prefix=API)
    docs.init_app(app)
    return app


def init_app(app: Flask, url_prefix: str = "/churn", config: Mapping[str, Any] | None = None) -> Flask:
    """Mount the API below `url_prefix` of an application that a team already has, and return the API's own application.

    The two share a process and an address, nothing else: neither's settings, errors, headers or hooks reach the other.
    """
    api = create_app(config)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {url_prefix: api})  # type: ignore[method-assign]
    return api
