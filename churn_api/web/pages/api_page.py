"""The API page: Swagger UI 5 through Flasgger, without a CDN, under a strict Content-Security-Policy."""

from functools import cache
from http import HTTPStatus
from pathlib import Path

import flask_swagger_ui
import orjson
from flask import Blueprint, Flask, abort, request
from werkzeug.wrappers import Response

from churn_api.web.core.app_services import live_models
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.core.query import JSON
from churn_api.web.core.request_record import current_request
from churn_api.web.core.urls import mount_prefix
from churn_api.web.pages.shared.openapi import build_document
from churn_api.web.pages.shared.page_policy import page_policy

blueprint = Blueprint("docs", __name__)

_DOCUMENT = "churn_api_document"
_SWAGGER_UI = Path(flask_swagger_ui.__file__).with_name("dist")


@blueprint.get("/docs")
@blueprint.get("/apidocs")
@operation(None, access=PUBLIC)
def page() -> Response:
    """Show the API page."""
    answer = _page_response("/apidocs")
    answer.headers["Content-Security-Policy"] = page_policy()
    return answer


@blueprint.get("/flasgger_static/<path:name>")
@operation(None, access=PUBLIC)
def asset(name: str) -> Response:
    """Return a static file of Swagger UI."""
    return _page_response(f"/flasgger_static/{name}")


@blueprint.get("/static/<path:name>")
@operation(None, access=PUBLIC)
def static(name: str) -> Response:
    """Return a static file of this package that a page loads."""
    return _page_response(f"/static/{name}")


@blueprint.get("/openapi.json")
@blueprint.get("/apispec_1.json")
@operation(None, access=PUBLIC)
def openapi() -> Response:
    """Return the OpenAPI document; its server URL is the prefix at which the application is mounted."""
    servers = orjson.dumps({"servers": [{"url": mount_prefix() or "/"}]})
    return Response([_document()[:-1], b",", servers[1:]], content_type=JSON)


def _document() -> bytes:
    """The document without its servers, serialized. It is cached until the live versions change."""
    app, answering = current_request().app, live_models().served
    cached_for, document = app.extensions.get(_DOCUMENT, (None, b""))
    if cached_for != answering:
        document = orjson.dumps(build_document(app, live_models()))
        app.extensions[_DOCUMENT] = (answering, document)
    return bytes(document)


@cache
def _pages() -> Flask:
    """A Flask application with Flasgger; `templates/flasgger/` replaces Flasgger's own template.

    It is created at the first request for the page, because Flasgger takes four megabytes and most processes never show
    the page.
    """
    from flasgger import Swagger

    pages = Flask("churn_api", static_folder="web/pages/static", template_folder="web/pages/templates")
    pages.add_url_rule("/openapi.json", "docs.openapi", build_only=True)
    config = {"specs": [], "specs_route": "/apidocs", "static_folder": str(_SWAGGER_UI), "title": "Churn API"}
    Swagger(pages, config=config, merge=True)
    return pages


def _page_response(path: str) -> Response:
    # PEP 3333: the path's UTF-8 bytes, decoded as latin-1.
    environ = request.environ | {"PATH_INFO": path.encode().decode("latin-1")}
    answer = Response.from_app(_pages(), environ)
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        abort(answer.status_code)
    return answer
