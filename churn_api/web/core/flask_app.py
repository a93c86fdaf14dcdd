"""Flask, without what this API has no use for: sessions, coroutines as views, hosts that choose a view."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response, appcontext_tearing_down, request_tearing_down
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter, Rule

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
        if args or kwargs != {"return_rule": True}:
            return super().match(*args, **kwargs)
        rule, arguments = self._found(self.path_info, self.default_method)
        return rule, dict(arguments)


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

    def do_teardown_request(self, *args: Any) -> None:
        """Do what is to be done at a request's end; here that is mostly nothing."""
        if self.teardown_request_funcs or request_tearing_down.receivers:
            super().do_teardown_request(*args)

    def do_teardown_appcontext(self, *args: Any) -> None:
        """The same at the end of an application's context."""
        if self.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            super().do_teardown_appcontext(*args)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the view by the address.

        Flask's own reads the host, which no address here has in it, and translates what ASCII leaves as it is.
        """
        if request is None:
            return super().create_url_adapter(request)
        environ = request.environ
        script, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
        if not path or not (script + path).isascii() or "HTTP_UPGRADE" in environ:
            return super().create_url_adapter(request)
        return Adapter(
            self._match, self.url_map, "", script, "", environ["wsgi.url_scheme"], path, environ["REQUEST_METHOD"]
        )
