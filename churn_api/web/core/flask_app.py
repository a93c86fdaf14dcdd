"""Flask as this API uses it: with views that declare themselves, and without settings that would have no effect."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.typing import RouteCallable

from churn_api.config import SETTINGS, ConfigError
from churn_api.web.core.api_request import ApiRequest
from churn_api.web.core.declaration import Operation, operation_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OURS = frozenset(setting.name for setting in SETTINGS)
_HONOURED = frozenset({"DEBUG", "MAX_FORM_MEMORY_SIZE", "MAX_FORM_PARTS", "SERVER_NAME", "TESTING", "TRUSTED_HOSTS"})
"""Settings of Flask's that mean here what they mean in Flask."""


def flask_settings(config: Mapping[str, Any]) -> frozenset[str]:
    """The names of Flask's own settings that a configuration may hold. Raises ConfigError naming another of Flask's."""
    for name in sorted(Flask.default_config.keys() - _HONOURED - _OURS):
        if name in config:
            raise ConfigError(f"{name} is a setting of Flask's that has no effect here: leave it out")
    return _HONOURED


class Api(Flask):
    """A Flask application that is closed: a view that declares nothing cannot be registered, now or later.

    `operations` holds each endpoint's declaration, `probes` the addresses that are asked every few seconds, and
    `direct` is the way of requests before Flask's own, where there is one.
    """

    request_class = ApiRequest

    def __init__(self, import_name: str) -> None:
        # Before Flask's own, which registers what there is of a static folder.
        self.operations: dict[str, Operation] = {}
        self.probes: set[str] = set()
        self.direct: WSGIApplication | None = None
        super().__init__(import_name, static_folder=None)

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
        operation = operation_of(name, view_func)
        super().add_url_rule(rule, name, view_func, provide_automatic_options, **options)
        # After Flask, which refuses another view for an endpoint that has one.
        self.operations[name] = operation
        if operation.probe:
            self.probes.add(rule)

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        """See Flask."""
        return (self.direct or super().wsgi_app)(environ, start_response)
