"""The service card, at `/`; for a browser the desk."""

from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue

from churn_api import __version__
from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.pages.shared.desk_page import DESK_HTML, desk_page, wants_desk
from churn_api.web.v1.shared.service_schemas import ServiceCardSchema

blueprint = Blueprint("root", __name__, template_folder="templates")

_LINKS = {
    "predict": "predict.predict",
    "batch_predict": "batch.batch_predict",
    "models": "models.list_models",
    "health": "health.health",
    "docs": "docs.page",
    "openapi": "docs.openapi",
}


@blueprint.get("/")
@operation("Service", access=PUBLIC, response=ServiceCardSchema, or_files=DESK_HTML, id="getService")
def card() -> ResponseReturnValue:
    """Show the service's name, its version, and links to its routes.

    The status is that of the process, for KServe's client: `/health/ready` says whether predictions can be made.
    `Accept: text/html` has the desk, a page for the people who act on predictions.
    """
    if wants_desk():
        return desk_page()
    links = {name: url_for(endpoint) for name, endpoint in _LINKS.items()}
    response = jsonify({"name": "churn-api", "version": __version__, "status": "alive", "links": links})
    response.vary.add("Accept")
    return response
