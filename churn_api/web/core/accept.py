"""The `Accept` header, parsed leniently: also forms that clients send and RFC 9110 does not allow."""

import re

from flask import request
from werkzeug.datastructures import MIMEAccept

_TYPE = re.compile(r"\*|[\w.+-]+/(\*|[\w.+-]+)|\*/\*", re.ASCII)
_QUALITY = re.compile(r"q\s*=\s*([0-9]*\.?[0-9]+)", re.ASCII | re.IGNORECASE)


def accepted_types() -> MIMEAccept:
    """The media types of `Accept`; empty where the header is missing or cannot be parsed.

    Parameters such as `charset=utf-8` are ignored, since Werkzeug would treat the type as a different one. `*; q=.2`,
    which Java clients send, means `*/*`.
    """
    return MIMEAccept(list(filter(None, map(_entry, request.headers.get("Accept", "").split(",")))))


def _entry(text: str) -> tuple[str, float] | None:
    name, *parameters = (part.strip() for part in text.split(";"))
    if not _TYPE.fullmatch(name):
        return None
    quality = next((float(match[1]) for match in map(_QUALITY.fullmatch, parameters) if match), 1.0)
    return ("*/*" if name == "*" else name.lower()), min(quality, 1.0)
