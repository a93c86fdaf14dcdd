"""How a request gets to its view: by Flask, or directly where that is a prediction of one customer and nothing else.

Flask's contexts and response objects take longer than the prediction. A direct request goes through the same admission
to the same view, and what it is answered is, byte for byte, what Flask would send. Flask itself finishes whatever is
more than a dictionary, as an error is, and answers every request that anything unusual is about.
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
from churn_api.web.core.query import JSON, accepts_json_verbatim, has_query
from churn_api.web.core.request_record import RequestRecord, current_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KNOWN_ADDRESSES = 256
"""How many are kept, of those last asked for; one that has no view is never kept."""

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
"""Lets a request in to the view of a rule, where there is one, or raises."""


def init_app(app: Api, admit: Admit) -> None:
    """Have an application admit every request, and dispatch what it can itself.

    Functions of ours that take part in Flask's way are registered before: they are not taken for somebody else's.
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
        self._find = lru_cache(maxsize=KNOWN_ADDRESSES)(self._search)
        app.before_request(self._enter)
        self._own_hooks = self._hooks()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        match = self._match(environ) if _is_usual(environ) and not self._is_flasks() else None
        if match is None:
            return self._by_flask(environ, start_response)
        record = current_request()
        try:
            self._admit(record, match.rule)
            answer: Any = self._app.view_functions[match.rule.endpoint](**match.arguments)
            body = write_json(answer) if type(answer) is dict else None
        except Exception as error:  # noqa: BLE001 - Flask handles it, whatever it is
            answer, body = error, None
        if body is None:
            record.outcome = TypeError("the view answers nothing") if answer is None else answer
            return self._by_flask(environ, start_response)
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
        return [body]

    def _enter(self) -> Any:
        """Flask's way in. What came of a direct request is all that is left for Flask to answer."""
        record = current_request()
        if isinstance(record.outcome, Exception):
            raise record.outcome
        if record.outcome is None:
            self._admit(record, request.url_rule)
        return record.outcome

    def _match(self, environ: "WSGIEnvironment") -> _Match | None:
        try:
            match = self._find(environ["PATH_INFO"])
        except HTTPException:
            return None
        return match if match.direct else None

    def _search(self, path: str) -> _Match:
        rule, arguments = self._app.url_map.bind("").match(path, "POST", return_rule=True)
        operation = self._app.operations.get(rule.endpoint)
        return _Match(rule, arguments, direct=operation is not None and operation.body == "record")

    def _is_flasks(self) -> bool:
        """Whether every request is Flask's: it looks at hosts, or others than we take part in its way."""
        config = self._app.config
        return (
            config["TRUSTED_HOSTS"] is not None
            or config["SERVER_NAME"] is not None
            or self._hooks() > self._own_hooks
            or any(signal.receivers for signal in _SIGNALS)
        )

    def _hooks(self) -> int:
        """How many functions take part in Flask's way."""
        app = self._app
        named = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
        of_blueprints = [functions for by_name in named for functions in by_name.values()]
        return sum(map(len, (*of_blueprints, app.teardown_appcontext_funcs, app.url_value_preprocessors)))


def _is_usual(environ: "WSGIEnvironment") -> bool:
    """Whether a request is one that needs nothing of Flask's: by method, headers and query."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == JSON
        and accepts_json_verbatim(environ)
        and not has_query(environ)
        and is_readable_at_once(environ)
        and "HTTP_ORIGIN" not in environ
        and environ.get("PATH_INFO", "").isascii()
    )
