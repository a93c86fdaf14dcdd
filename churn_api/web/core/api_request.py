"""A request as Flask reads it, where bytes that Werkzeug or the server cannot read are the client's fault, not ours."""

from typing import IO, cast

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException
from werkzeug.utils import cached_property


class ApiRequest(Request):
    """Flask's request. What cannot be read of it raises BadRequest."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The parameters of the query string. Werkzeug decodes them, and raises what decoding raises."""
        try:
            return super().args
        except UnicodeDecodeError as error:
            raise BadRequest from error

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, no longer than is allowed."""
        return cast("IO[bytes]", BodyStream(super().stream, self.content_length))


class BodyStream:
    """A body, of as many bytes as it says; None where it does not say. Every read raises BadRequest where it fails.

    A server raises what it likes at a malformed chunk or a connection that is gone: none of it is a failure of ours.
    """

    def __init__(self, stream: IO[bytes], length: int | None) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or all that are left; fewer at the end."""
        try:
            data = self._stream.read(size)
        except HTTPException:
            raise  # it is too long
        except Exception as error:
            raise ClientDisconnected from error
        if self._left is not None:
            self._left -= len(data)
            if self._left > 0 and (size < 0 or not data):
                raise ClientDisconnected
        return data
