"""Flask as this API uses it: views that declare themselves, and none of what it has no use for."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin
from flask.typing import RouteCallable
from werkzeug.routing import MapAdapter, Rule

from churn_api.config import SETTINGS, ConfigError
from churn_api.web.core.api_request import ApiRequest
from churn_api.web.core.declaration import Operation, declared

KNOWN_ADDRESSES = 256
"""How many are kept, of those last asked for; an unknown one is never kept."""

_OURS = frozenset(setting.name for setting in SETTINGS)
_HONOURED = frozenset({"DEBUG", "MAX_FORM_MEMORY_SIZE", "MAX_FORM_PARTS", "SERVER_NAME", "TESTING", "TRUSTED_HOSTS"})
"""Settings of Flask's that mean here what they mean in Flask."""


def flask_settings(config: Mapping[str, Any]) -> frozenset[str]:
    """The names of Flask's own settings that a configuration may hold. Raises ConfigError naming another of Flask's."""
    for name in sorted(Flask.default_config.keys() - _HONOURED - _OURS):
        if name in config:
            raise ConfigError(f"{name} is a setting of Flask's that has no effect here: leave it out")
    return _HONOURED


class NoSessions(SessionInterface):
    """One session for every request, which holds nothing and is never saved."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """The session that no one can write to."""
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

    def __init__(self, find: Callable[[str, str], Match], *bound: Any) -> None:
        super().__init__(*bound)
        self._find = find

    def match(self, *args: Any, **kwargs: Any) -> Any:
        """See MapAdapter. What Flask asks is which rule this very request goes by."""
        if args or kwargs != {"return_rule": True}:
            return super().match(*args, **kwargs)
        rule, arguments = self._find(self.path_info, self.default_method)
        return rule, dict(arguments)


class Api(Flask):
    """A Flask application that is closed: a view that declares nothing cannot be registered, now or later.

    `operations` holds each endpoint's declaration, `probes` the addresses that are asked every few seconds.
    """

    session_interface = NoSessions()
    request_class = ApiRequest

    def __init__(self, import_name: str) -> None:
        # Before Flask's own, which registers what there is of a static folder.
        self.operations: dict[str, Operation] = {}
        self.probes: set[str] = set()
        super().__init__(import_name, static_folder=None)
        self._match = lru_cache(maxsize=KNOWN_ADDRESSES)(self._match)  # type: ignore[method-assign]

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a view. Raises UndeclaredView where it does not say who may call it."""
        name = str(endpoint or getattr(view_func, "__name__", rule))
        operation = declared(name, view_func)
        super().add_url_rule(rule, name, view_func, provide_automatic_options, **options)
        # After Flask, which refuses another view for an endpoint that has one.
        self.operations[name] = operation
        if operation.probe:
            self.probes.add(rule)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: views and hooks here are plain ones, and asking each at each request takes a while."""
        return func

    def _match(self, path: str, method: str) -> Match:
        return self.url_map.bind("").match(path, method, return_rule=True)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the view by the address.

        Flask's own reads the host, which no address here has in it, and translates what ASCII leaves as it is.
        """
        config = self.config
        if request is None or config["TRUSTED_HOSTS"] is not None or config["SERVER_NAME"] is not None:
            return super().create_url_adapter(request)
        environ = request.environ
        script, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
        if not path or not (script + path).isascii() or "HTTP_UPGRADE" in environ:
            return super().create_url_adapter(request)
        return Adapter(
            self._match, self.url_map, "", script, "", environ["wsgi.url_scheme"], path, environ["REQUEST_METHOD"]
        )
