"""Content negotiation of batches: the format of the body, and the format of the response."""

from flask import current_app, request

from churn_api.tables.formats import FORMATS, MEDIA_TYPES, format_of_media_type, format_of_name
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.body import FORM, read_file
from churn_api.web.core.problems import Problem
from churn_api.web.core.query import ANYTHING, JSON

PART = "file"


def negotiate_formats() -> tuple[str | None, str | None]:
    """The formats of the body and of the response, each None for JSON. Raises Problem (406 or 415)."""
    environ = request.environ
    if environ.get("CONTENT_TYPE") == JSON and environ.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON):
        return None, None
    sent = body_format()
    return sent, _response_format(sent)


def body_format() -> str | None:
    """The format of the body; None for JSON and unknown types. Raises Problem (415) for a file of unknown format."""
    if request.mimetype != FORM:
        table_format = format_of_media_type(request.mimetype)
        _check_encoding(table_format)
        return table_format
    file = read_file(PART, current_app.config["MAX_CONTENT_LENGTH"])
    table_format = format_of_name(file.filename or "") or format_of_media_type(file.mimetype)
    if table_format is None:
        raise Problem("unsupported-media-type", "The file's name does not show its format.", accepted=[*MEDIA_TYPES])
    return table_format


def _check_encoding(sent: str | None) -> None:
    """Raise Problem for a Content-Encoding other than gzip of a text format. JSON bodies are checked by `read_body`."""
    if sent is None:
        return
    accepted = ("identity", "gzip") if FORMATS[sent].gzipped else ("identity",)
    if request.headers.get("Content-Encoding", "identity") not in accepted:
        detail = f"Send this table with Content-Encoding {' or '.join(accepted)}."
        raise Problem("unsupported-media-type", detail, accepted=[JSON, *MEDIA_TYPES])


def _response_format(sent: str | None) -> str | None:
    """The format that `Accept` prefers, else the body's."""
    accepted = accepted_types()
    if not accepted:
        return sent
    own = JSON if sent is None else FORMATS[sent].media_type
    # The body's type comes first, since the first of several equally accepted types is taken.
    best = accepted.best_match([own, JSON, *MEDIA_TYPES])
    if best is None:
        raise Problem("not-acceptable", f"This route answers {', '.join((JSON, *MEDIA_TYPES))}.")
    return format_of_media_type(best)
