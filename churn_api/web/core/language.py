"""The language of texts in a response, by the header `Accept-Language`."""

from functools import lru_cache

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from churn_api.reasons.catalogue import DEFAULT_LANGUAGE, catalogues
from churn_api.web.core.request_record import current_request

CACHED_HEADERS = 256
MAX_HEADER = 256
"""Characters of a header that is read; browsers send fewer."""


def response_language() -> str:
    """The code of the catalogue's language that the client likes best; English where it names none of them."""
    header = current_request().environ.get("HTTP_ACCEPT_LANGUAGE")
    return _best(header[:MAX_HEADER]) if header else DEFAULT_LANGUAGE


@lru_cache(maxsize=CACHED_HEADERS)
def _best(header: str) -> str:
    for tag, quality in parse_accept_header(header, LanguageAccept):
        # `de-AT` is German too, and comes before `en;q=0.5`, which is what Werkzeug would choose.
        language = tag.partition("-")[0].lower()
        if quality > 0 and language in catalogues():
            return language
    return DEFAULT_LANGUAGE
