"""Declares beside a view what the API page says of it."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from marshmallow import Schema

from churn_api.web.core.body import Query

View = TypeVar("View", bound=Callable[..., Any])


ANY_KEY = "any key"
"""What a view asks for that takes every key, whatever its scopes."""

Limit = Literal["predict", "batch", "management"]


class Operation(NamedTuple):
    """A view's declaration. Its docstring is the page's text."""

    tag: str
    access: str | None
    """The scope that a caller needs, ANY_KEY, or None: open to all."""
    limit: Limit | None
    """Which of the configured limits counts its calls; None: no limit."""
    answer: type[Schema] | tuple[str, ...] | None
    """JSON by a schema, or files of these types."""
    problems: tuple[str, ...]
    query: type[Query] | None
    body: Literal["record", "batch"] | type[Schema] | None
    status: int
    """Of the answer where all is well."""


OPERATIONS: dict[Callable[..., Any], Operation] = {}
"""By view function; filled when the blueprints are imported, and the same for every application."""


def documented(
    tag: str,
    *,
    access: str | None = None,
    limit: Limit | None = None,
    answer: type[Schema] | tuple[str, ...] | None = None,
    problems: tuple[str, ...] = (),
    query: type[Query] | None = None,
    body: Literal["record", "batch"] | type[Schema] | None = None,
    status: int = 200,
) -> Callable[[View], View]:
    """Put a view on the API page."""

    def declare(view: View) -> View:
        OPERATIONS[view] = Operation(tag, access, limit, answer, problems, query, body, status)
        return view

    return declare
