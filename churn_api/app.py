"""The application factory."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from churn_api.config import ConfigError, StartError, load_settings
from churn_api.services import Services
from churn_api.store import schema
from churn_api.store.database import DatabaseAway
from churn_api.web import API_V1
from churn_api.web.core import (
    admission,
    app_metrics,
    app_services,
    cors,
    draining,
    error_handlers,
    forwarded_prefix,
    health,
    in_process_api,
    wsgi_middleware,
)
from churn_api.web.core.access_log import AccessLog
from churn_api.web.core.flask_app import Api, flask_settings
from churn_api.web.core.json_provider import OrjsonProvider
from churn_api.web.core.open_auth import check_flask_run
from churn_api.web.core.tracing import RequestTracing
from churn_api.web.pages import api_page, desk, redoc_page, root
from churn_api.web.protocols import (
    azure_ml,
    databricks,
    invocations,
    kserve,
    mlflow,
    older_jobs,
    older_metrics,
    older_models,
    older_predictions,
    open_inference,
    sagemaker,
    vertex_ai,
)
from churn_api.web.v1 import (
    batch_predict,
    experiments,
    job_results,
    jobs,
    metrics_route,
    model_costs,
    model_explanation,
    model_profit,
    model_quality,
    model_report,
    model_watch,
    models,
    outcomes,
    predict,
    prediction_log_route,
    status,
    token,
)

OLDER = (older_predictions, older_jobs, older_models, older_metrics)
V1 = (
    predict,
    batch_predict,
    jobs,
    job_results,
    models,
    model_report,
    model_costs,
    model_profit,
    model_explanation,
    model_watch,
    prediction_log_route,
    experiments,
    model_quality,
    outcomes,
    token,
    status,
    metrics_route,
)

PROTOCOLS = {
    "mlflow": (invocations, mlflow),
    "databricks": (databricks,),
    "sagemaker": (invocations, sagemaker),
    "v2": (open_inference,),
    "kserve": (kserve,),
    "vertex": (vertex_ai,),
    "azure": (azure_ml,),
}
"""The blueprints of other systems' protocols, by the names of the setting; protocols may share one."""


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Create an application with its own settings, services and routes.

    `config` maps names of settings to values, and replaces the environment. Raises StartError, whose text says how to
    fix the configuration.
    """
    app = Api("churn_api")
    app.config.from_mapping(_settings(config))
    check_flask_run(app.config)
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    services = Services(app.config)
    services.open()
    app_services.attach_services(app, services)

    metrics = app_metrics.init_app(app, services)
    wsgi_middleware.init_app(app, RequestTracing(app), metrics.requests, AccessLog(app))
    draining.init_app(app)
    error_handlers.init_app(app)
    cors.init_app(app)
    admission.init_app(app, services)
    forwarded_prefix.init_app(app)
    # First, so that a route that Vertex AI names is its own, be it /predict or /health.
    for module in _protocol_modules(app.config["PROTOCOLS"]):
        app.register_blueprint(module.blueprint)
    for module in (root, desk, health, api_page, redoc_page):
        app.register_blueprint(module.blueprint)
    for module in V1:
        app.register_blueprint(module.blueprint, url_prefix=API_V1)
    if app.config["COMPAT_ROUTES"]:
        for module in OLDER:
            app.register_blueprint(module.blueprint)
    return app


def init_app(app: Flask, url_prefix: str = "/churn", config: Mapping[str, Any] | None = None) -> Flask:
    """Mount the API in an existing Flask application below `url_prefix`, and return the API's own application.

    The two applications share the process and the port only: settings, error handlers, headers and hooks stay apart.
    Raises StartError.
    """
    prefix = url_prefix.strip("/")
    if not prefix:
        raise ConfigError(f"url_prefix is {url_prefix!r}: name a path below the application's own, as in '/churn'")
    api = create_app(config)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {f"/{prefix}": api})  # type: ignore[method-assign]
    in_process_api.register_mounted_api(app, prefix, api)
    return api


def upgrade(config: Mapping[str, Any] | None = None) -> None:
    """Migrate a configuration's database to the schema of this version, as `churn-api db upgrade` does.

    Safe to repeat, and to call from many processes at once. A database in memory needs no upgrade: each application
    creates its own with all tables. Raises StartError.
    """
    database = Services(_settings(config)).database
    try:
        schema.upgrade(database)
    except DatabaseAway as error:
        raise StartError(f"the database {database.location} {error.state}: {error}") from error
    finally:
        database.dispose()


def _settings(config: Mapping[str, Any] | None) -> dict[str, Any]:
    return load_settings(config, others=flask_settings(config or {}))


def _protocol_modules(names: Collection[str]) -> Iterable[Any]:
    """The modules of protocols, each once, in the order of PROTOCOLS."""
    return dict.fromkeys(module for name, modules in PROTOCOLS.items() if name in names for module in modules)
