"""The application: a table of contents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from churn_api.config import load_settings
from churn_api.registry.live import LiveModels
from churn_api.web import batch, docs, errors, headers, health, models, predict, root, state
from churn_api.web.json import OrjsonProvider

API = "/api/v1"


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """An application of its own: settings, models and routes. `config` takes the place of the environment."""
    app = Flask("churn_api", static_folder="web/static", template_folder="web/templates")
    app.config.from_mapping(load_settings(config, others=app.config))
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False

    state.attach(app, LiveModels(Path(app.config["MODELS_DIR"]), app.config["DEFAULT_MODEL"]))

    headers.init_app(app)
    errors.init_app(app)
    app.register_blueprint(root.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(predict.blueprint, url_prefix=API)
    app.register_blueprint(batch.blueprint, url_prefix=API)
    app.register_blueprint(models.blueprint, url_prefix=API)
    docs.init_app(app)
    return app


def init_app(app: Flask, url_prefix: str = "/churn", config: Mapping[str, Any] | None = None) -> Flask:
    """Mount the API below `url_prefix` of an application that a team already has, and return the API's own application.

    The two share a process and an address, nothing else: neither's settings, errors, headers or hooks reach the other.
    """
    api = create_app(config)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {url_prefix: api})  # type: ignore[method-assign]
    return api
