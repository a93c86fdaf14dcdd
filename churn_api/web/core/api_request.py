"""Flask's request, where bytes that cannot be read are a client error (400), not an internal error."""

from typing import IO, cast

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException
from werkzeug.utils import cached_property


class ApiRequest(Request):
    """Flask's request. Reading malformed parts raises BadRequest."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query parameters. Raises BadRequest where Werkzeug cannot decode them."""
        try:
            return super().args
        except UnicodeDecodeError as error:
            raise BadRequest from error

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, limited to the maximum length."""
        return cast("IO[bytes]", BodyStream(super().stream, self.content_length))


class BodyStream:
    """The body as a stream. A read that fails, or a body shorter than `length` (if given), raises BadRequest.

    Servers raise various exceptions for malformed chunks and closed connections; all of them are client errors.
    """

    def __init__(self, stream: IO[bytes], length: int | None) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, or all that remain; fewer at the end. Raises ClientDisconnected."""
        try:
            data = self._stream.read(size)
        except HTTPException:
            raise  # the body is too long
        except Exception as error:
            raise ClientDisconnected from error
        if self._left is not None:
            self._left -= len(data)
            if self._left > 0 and (size < 0 or not data):
                raise ClientDisconnected
        return data
