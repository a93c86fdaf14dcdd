"""The reference page: Redoc, without a CDN, under a strict Content-Security-Policy."""

from flask import Blueprint, make_response, render_template
from flask.typing import ResponseReturnValue

from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.pages.shared.page_policy import page_policy

blueprint = Blueprint("redoc", __name__, template_folder="templates")

# Redoc creates an empty style element, which it fills by script, and one with the style of its scrollbars.
_POLICY = page_policy(
    "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc=",
)


@blueprint.get("/redoc")
@operation(None, access=PUBLIC)
def page() -> ResponseReturnValue:
    """Show the reference page."""
    response = make_response(render_template("redoc.html"))
    response.headers["Content-Security-Policy"] = _POLICY
    return response
