"""Which format a batch is sent in, and which is wanted."""

from flask import current_app, request

from churn_api.tables.formats import FORMATS, MEDIA_TYPES, format_of_media_type, format_of_name
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.body import FORM, read_file
from churn_api.web.core.problems import Problem
from churn_api.web.core.query import ANYTHING, JSON

PART = "file"


def negotiate_formats() -> tuple[str | None, str | None]:
    """The format of the table in the body and that of the answer, each None for JSON. Raises Problem."""
    environ = request.environ
    if environ.get("CONTENT_TYPE") == JSON and environ.get("HTTP_ACCEPT", ANYTHING) in (ANYTHING, JSON):
        return None, None
    sent = _sent()
    return sent, _wanted(sent)


def _sent() -> str | None:
    if request.mimetype != FORM:
        found = format_of_media_type(request.mimetype)
        _check_encoding(found)
        return found
    file = read_file(PART, current_app.config["MAX_CONTENT_LENGTH"])
    found = format_of_name(file.filename or "") or format_of_media_type(file.mimetype)
    if found is None:
        raise Problem("unsupported-media-type", "The file's name does not tell its format.", accepted=[*MEDIA_TYPES])
    return found


def _check_encoding(sent: str | None) -> None:
    """Text may come gzipped; what is compressed within itself may not. A JSON body is looked at where it is read."""
    if sent is None:
        return
    accepted = ("identity", "gzip") if FORMATS[sent].gzipped else ("identity",)
    if request.headers.get("Content-Encoding", "identity") not in accepted:
        detail = f"Send this table with Content-Encoding {' or '.join(accepted)}."
        raise Problem("unsupported-media-type", detail, accepted=[JSON, *MEDIA_TYPES])


def _wanted(sent: str | None) -> str | None:
    """As accepted, else as it was sent."""
    accepted = accepted_types()
    if not accepted:
        return sent
    own = JSON if sent is None else FORMATS[sent].media_type
    # What was sent comes first: among types that are accepted alike, the first is taken.
    best = accepted.best_match([own, JSON, *MEDIA_TYPES])
    if best is None:
        raise Problem("not-acceptable", f"This route answers {', '.join((JSON, *MEDIA_TYPES))}.")
    return format_of_media_type(best)
