"""A route of the application, as the OpenAPI document needs it."""

import re
from typing import NamedTuple

from werkzeug.routing import Rule

from churn_api.web.core.declaration import Operation
from churn_api.web.core.flask_app import Api
from churn_api.web.pages.shared.openapi_models import DocumentedModels

METHODS = ("GET", "POST", "PUT", "DELETE")


class Route(NamedTuple):
    """One URL rule of a view, with the models that the document describes."""

    app: Api
    rule: Rule
    models: DocumentedModels

    @property
    def operation(self) -> Operation:
        """The view's declaration."""
        return self.app.operations[self.rule.endpoint]

    @property
    def method(self) -> str:
        """The HTTP method, in lower case."""
        return next(method.lower() for method in METHODS if method in (self.rule.methods or ()))

    @property
    def path(self) -> str:
        """The path, with arguments in OpenAPI's braces."""
        return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", self.rule.rule)

    @property
    def names_model(self) -> bool:
        """Whether the path has a model argument."""
        return "model" in self.rule.arguments
