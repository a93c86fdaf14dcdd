"""Flask, without what this API has no use for: sessions, coroutines as views, hosts that choose a view."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host


class NoSessions(SessionInterface):
    """One session for every request, which holds nothing and is never saved."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """The session that nobody can write to."""
        return self._none

    def is_null_session(self, obj: object) -> bool:
        """It always is."""
        return True

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save nothing."""


class Api(Flask):
    """What Flask finds out anew at each request, though it is always the same here, is not asked."""

    session_interface = NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: all views and hooks here are plain ones."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the view by the address.

        Flask's own reads the host twice and translates each part of the address, which leaves ASCII as it was.
        """
        if request is None or not _is_plain(request.environ):
            return super().create_url_adapter(request)
        environ = request.environ
        request.host = host = get_host(environ)
        script, path, query = environ.get("SCRIPT_NAME", ""), environ["PATH_INFO"], environ.get("QUERY_STRING")
        scheme, method = environ["wsgi.url_scheme"], environ["REQUEST_METHOD"]
        return MapAdapter(self.url_map, host, script, "", scheme, path, method, query)


def _is_plain(environ: dict[str, Any]) -> bool:
    address = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "\x80"), environ.get("QUERY_STRING", "")
    return "HTTP_UPGRADE" not in environ and "".join(address).isascii()
