"""Dispatch of requests to views: through Flask, or directly for a prediction of one customer.

Flask's contexts and response objects take longer than the prediction. A direct request passes the same admission
control to the same view, and its response equals Flask's byte for byte. Flask handles errors and every result that is
not a dictionary, and all requests with unusual headers or hooks.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, request, signals
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from churn_api.web.core.body import is_readable_at_once
from churn_api.web.core.flask_app import Api
from churn_api.web.core.json_provider import write_json
from churn_api.web.core.query import JSON, accepts_json_verbatim
from churn_api.web.core.request_record import RequestRecord, current_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CACHED_PATHS = 256
"""Size of the cache of matched paths. Paths without a view are not cached."""

_SIGNALS = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.got_request_exception,
    signals.appcontext_pushed,
    signals.appcontext_popped,
    signals.appcontext_tearing_down,
)

Admit = Callable[[RequestRecord, Rule | None], None]
"""Admission control for a request and its URL rule, if any. Raises Problem."""


def init_app(app: Api, admit: Admit) -> None:
    """Run admission control for every request, and dispatch single predictions directly.

    Call it after this package has registered its own Flask hooks: any later hook sends all requests through Flask.
    """
    app.direct = _Dispatch(app, admit)


class _Match(NamedTuple):
    rule: Rule
    arguments: Mapping[str, Any]
    direct: bool


class _Dispatch:
    def __init__(self, app: Api, admit: Admit) -> None:
        self._app = app
        self._by_flask = partial(Flask.wsgi_app, app)
        self._admit = admit
        self._cached_search = lru_cache(maxsize=CACHED_PATHS)(self._search)
        app.before_request(self._enter)
        self._own_hooks = self._hooks()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        match = self._match(environ) if _is_plain(environ) and not self._needs_flask() else None
        if match is None:
            return self._by_flask(environ, start_response)
        record = current_request()
        try:
            self._admit(record, match.rule)
            answer: Any = self._app.view_functions[match.rule.endpoint](**match.arguments)
            body = write_json(answer) if type(answer) is dict else None
        except Exception as error:  # noqa: BLE001 - Flask handles all exceptions
            answer, body = error, None
        if body is None:
            record.view_result = TypeError("the view returned None") if answer is None else answer
            return self._by_flask(environ, start_response)
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
        return [body]

    def _enter(self) -> Any:
        """The before_request hook: returns or raises the result of a direct request, else runs admission control."""
        record = current_request()
        if isinstance(record.view_result, Exception):
            raise record.view_result
        if record.view_result is None:
            self._admit(record, request.url_rule)
        return record.view_result

    def _match(self, environ: "WSGIEnvironment") -> _Match | None:
        try:
            match = self._cached_search(environ["PATH_INFO"])
        except HTTPException:
            return None
        return match if match.direct else None

    def _search(self, path: str) -> _Match:
        rule, arguments = self._app.url_map.bind("").match(path, "POST", return_rule=True)
        operation = self._app.operations.get(rule.endpoint)
        return _Match(rule, arguments, direct=operation is not None and operation.body == "record")

    def _needs_flask(self) -> bool:
        """Whether all requests must go through Flask: it checks hosts, or other code has hooks or signal receivers."""
        config = self._app.config
        return (
            config["TRUSTED_HOSTS"] is not None
            or config["SERVER_NAME"] is not None
            or self._hooks() > self._own_hooks
            or any(signal.receivers for signal in _SIGNALS)
        )

    def _hooks(self) -> int:
        """How many hook functions are registered with Flask."""
        app = self._app
        named = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
        of_blueprints = [functions for by_name in named for functions in by_name.values()]
        return sum(map(len, (*of_blueprints, app.teardown_appcontext_funcs, app.url_value_preprocessors)))


def _is_plain(environ: "WSGIEnvironment") -> bool:
    """Whether method and headers need none of Flask's features."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == JSON
        and accepts_json_verbatim(environ)
        and is_readable_at_once(environ)
        and "HTTP_ORIGIN" not in environ
        and environ.get("PATH_INFO", "").isascii()
    )
