"""The files that the desk loads: they may be cached for as long as the browser likes."""

from pathlib import PurePosixPath

from flask import Blueprint, Response, abort

from churn_api.web.core.declaration import PUBLIC
from churn_api.web.core.operation import operation
from churn_api.web.pages.shared.desk_files import MEDIA_TYPES, desk_files

blueprint = Blueprint("desk", __name__)

FOREVER = "public, max-age=31536000, immutable"


@blueprint.get("/desk/<digest>/<path:name>")
@operation(None, access=PUBLIC)
def asset(digest: str, name: str) -> Response:
    """Return a file of the desk, if the page that names it is of this version."""
    files = desk_files()
    if digest != files.digest or name not in files.content:
        abort(404)
    return Response(
        files.content[name],
        content_type=MEDIA_TYPES[PurePosixPath(name).suffix],
        headers={"Cache-Control": FOREVER},
    )
