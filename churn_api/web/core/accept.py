"""What a client accepts, read as clients write it and not only as RFC 9110 has it."""

import re

from flask import request
from werkzeug.datastructures import MIMEAccept

_TYPE = re.compile(r"\*|[\w.+-]+/(\*|[\w.+-]+)|\*/\*", re.ASCII)
_QUALITY = re.compile(r"q\s*=\s*([0-9]*\.?[0-9]+)", re.ASCII | re.IGNORECASE)


def accepted_types() -> MIMEAccept:
    """The types of `Accept`; none where it says nothing that can be read.

    Parameters are left out, as `charset=utf-8`, which Werkzeug has a type differ by; and Java's `*; q=.2` is `*/*`.
    """
    return MIMEAccept(list(filter(None, map(_entry, request.headers.get("Accept", "").split(",")))))


def _entry(text: str) -> tuple[str, float] | None:
    name, *parameters = (part.strip() for part in text.split(";"))
    if not _TYPE.fullmatch(name):
        return None
    quality = next((float(found[1]) for found in map(_QUALITY.fullmatch, parameters) if found), 1.0)
    return ("*/*" if name == "*" else name.lower()), min(quality, 1.0)
