"""The desk: a page for the people who act on predictions. It shows what the API answers, and nothing else."""

from flask import Response, current_app, render_template

from churn_api import __version__
from churn_api.web import API_V1
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.language import response_language
from churn_api.web.core.query import JSON
from churn_api.web.core.urls import mount_prefix
from churn_api.web.pages.shared.desk_files import desk_files, desk_words
from churn_api.web.pages.shared.page_policy import page_policy

HTML = "text/html"
DESK_HTML = {HTML: "<!DOCTYPE html>\n<html lang='en'>…</html>\n"}
"""What the desk's address answers apart from JSON, for the API page."""


def wants_desk() -> bool:
    """Whether the client prefers a page, and this application has one."""
    accepted = accepted_types()
    return bool(accepted) and current_app.config["DESK"] and accepted.best_match([JSON, HTML]) == HTML


def desk_page() -> Response:
    """The frame of the desk, in the language that the browser prefers."""
    language = response_language()
    page = render_template(
        "desk.html",
        language=language,
        words=desk_words()[language],
        languages={code: words["language"] for code, words in desk_words().items()},
        files=desk_files(),
        api=mount_prefix() + API_V1,
        version=__version__,
        max_rows=current_app.config["MAX_BATCH_ROWS"],
        max_bytes=current_app.config["MAX_CONTENT_LENGTH"],
        max_job_bytes=current_app.config["MAX_JOB_BYTES"],
    )
    response = Response(page, mimetype=HTML)
    response.headers["Content-Security-Policy"] = page_policy()
    response.vary.update(("Accept", "Accept-Language"))
    return response
