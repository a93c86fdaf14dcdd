"""The Flask subclass of this API: views must have a declaration, and settings without effect are refused."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.typing import RouteCallable

from churn_api.config import ConfigError
from churn_api.settings import SETTINGS
from churn_api.web.core.api_request import ApiRequest
from churn_api.web.core.declaration import Operation, operation_of
from churn_api.web.core.url_rule import LazyRule

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OURS = frozenset(setting.name for setting in SETTINGS)
_SUPPORTED = frozenset({"DEBUG", "MAX_FORM_MEMORY_SIZE", "MAX_FORM_PARTS", "SERVER_NAME", "TESTING", "TRUSTED_HOSTS"})
"""Flask's settings that have their usual effect here."""


def flask_settings(config: Mapping[str, Any]) -> frozenset[str]:
    """The Flask settings that a configuration may have. Raises ConfigError for any other of Flask's settings."""
    for name in sorted(Flask.default_config.keys() - _SUPPORTED - _OURS):
        if name in config:
            raise ConfigError(f"{name} is a setting of Flask's that has no effect here: leave it out")
    return _SUPPORTED


class Api(Flask):
    """A Flask application that denies by default: a view without a declaration cannot be registered.

    `operations` maps endpoints to declarations, `probes` has the URL rules of probes, and `direct`, if set, is the WSGI
    application that gets requests before Flask.
    """

    request_class = ApiRequest
    url_rule_class = LazyRule

    def __init__(self, import_name: str) -> None:
        # Before Flask's __init__, which may register a static route.
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
        """Register a view, as in Flask. Raises UndeclaredView for a view without a declaration."""
        name = str(endpoint or getattr(view_func, "__name__", rule))
        operation = operation_of(name, view_func)
        super().add_url_rule(rule, name, view_func, provide_automatic_options, **options)
        # After Flask, which raises for a second view of the same endpoint.
        self.operations[name] = operation
        if operation.probe:
            self.probes.add(rule)

    def operation_at(self, path: str, method: str) -> Operation | None:
        """The declaration of the view at a path, which a method of its own leads to."""
        rule, _ = self.url_map.bind("").match(path, method, return_rule=True)
        return self.operations.get(rule.endpoint)

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        """See Flask."""
        return (self.direct or super().wsgi_app)(environ, start_response)
