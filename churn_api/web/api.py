"""Flask, without what this API has no use for: sessions, coroutines as views, hosts that choose a view."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule
from werkzeug.wsgi import get_host

KNOWN_ADDRESSES = 256
"""How many are kept, of those last asked for; an unknown one is never kept."""


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


Match = tuple[Rule, Mapping[str, Any]]
"""A view's rule, and what the address says of its arguments."""


class Adapter(MapAdapter):
    """Finds the view of a request; for an address that was asked for before, by one look-up."""

    def __init__(self, found: Callable[[str, str], Match], *bound: Any) -> None:
        super().__init__(*bound)
        self._found = found

    def match(self, *args: Any, **kwargs: Any) -> Any:
        """See MapAdapter. What Flask asks is which rule this very request goes by."""
        if kwargs == {"return_rule": True} and not args:
            try:
                rule, arguments = self._found(self.path_info, self.default_method)
            except HTTPException:
                pass  # told below, with this request's host
            else:
                return rule, dict(arguments)
        return super().match(*args, **kwargs)


class Api(Flask):
    """What Flask finds out anew at each request, though it is always the same here, is not asked."""

    session_interface = NoSessions()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._match = lru_cache(maxsize=KNOWN_ADDRESSES)(self._match)  # type: ignore[method-assign]

    def _match(self, path: str, method: str) -> Match:
        return self.url_map.bind("").match(path, method, return_rule=True)

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
        return Adapter(self._match, self.url_map, host, script, "", scheme, path, method, query)


def _is_plain(environ: dict[str, Any]) -> bool:
    address = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "\x80"), environ.get("QUERY_STRING", "")
    return "HTTP_UPGRADE" not in environ and "".join(address).isascii()
