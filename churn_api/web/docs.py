"""The API page: Swagger UI 5 through Flasgger, without a CDN, under a strict Content-Security-Policy."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import flask_swagger_ui
from flasgger import Swagger
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from churn_api.web.openapi import build_document
from churn_api.web.state import live_models

blueprint = Blueprint("docs", __name__)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_DOCUMENT = "churn_api_document"
_SWAGGER_UI = Path(flask_swagger_ui.__file__).with_name("dist")


def init_app(app: Flask) -> None:
    """Put the page on an application. The template of `templates/flasgger/` takes the place of Flasgger's own."""
    app.register_blueprint(blueprint)
    config = {"specs": [], "specs_route": "/apidocs", "static_folder": str(_SWAGGER_UI), "title": "Churn API"}
    hooks = app.after_request_funcs.get(None, [])[:]
    Swagger(app, config=config, merge=True, decorators=[_with_page_policy])
    # Its hook adds the headers of its settings, of which there are none, to every answer of every route.
    app.after_request_funcs[None] = hooks
    # Flasgger's OAuth page runs inline scripts, and nothing here needs it.
    app.view_functions["flasgger.oauth_redirect"] = lambda: abort(404)


@blueprint.get("/docs")
def page() -> Response:
    """Show the API page, which also stands at /apidocs."""
    return make_response(current_app.view_functions["flasgger.apidocs"]())


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Answer the OpenAPI document, for the place where the application is mounted."""
    answering = live_models().answering
    written_for, document = current_app.extensions.get(_DOCUMENT, (None, {}))
    if written_for != answering:
        document = build_document(current_app, live_models())
        current_app.extensions[_DOCUMENT] = (answering, document)
    return jsonify(document | {"servers": [{"url": request.root_path.rstrip("/") or "/"}]})


def _with_page_policy(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        response = make_response(view(*args, **kwargs))
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response

    return answer
