"""Request bodies with a Content-Encoding, decompressed within bounds."""

import zlib

from werkzeug.exceptions import RequestEntityTooLarge

from churn_api.web.core.problems import Problem

_WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""zlib's codes of the formats: RFC 1952, and RFC 1950, which HTTP calls deflate."""
CONTENT_ENCODINGS = tuple(_WINDOW_BITS)


def decompress_body(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The content of a body in one of CONTENT_ENCODINGS.

    Raises Problem where it is not one complete stream, or RequestEntityTooLarge; no more than one byte beyond
    `max_bytes` is decompressed.
    """
    stream = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        content = stream.decompress(body, max_bytes + 1)
    except zlib.error:
        raise Problem("bad-request", f"The body is not {encoding}.") from None
    if len(content) > max_bytes:
        raise RequestEntityTooLarge
    if not stream.eof or stream.unused_data:
        raise Problem("bad-request", f"The body is not one complete {encoding} stream.")
    return content
