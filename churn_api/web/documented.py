"""Declares beside a view what the API page says of it."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from marshmallow import Schema

from churn_api.web.body import Query

View = TypeVar("View", bound=Callable[..., Any])


class Operation(NamedTuple):
    """A view's declaration. Its docstring is the page's text."""

    tag: str
    answer: type[Schema] | None
    problems: tuple[str, ...]
    query: type[Query] | None
    body: Literal["record", "batch"] | None


OPERATIONS: dict[Callable[..., Any], Operation] = {}
"""By view function; filled when the blueprints are imported, and the same for every application."""


def documented(
    tag: str,
    *,
    answer: type[Schema] | None = None,
    problems: tuple[str, ...] = (),
    query: type[Query] | None = None,
    body: Literal["record", "batch"] | None = None,
) -> Callable[[View], View]:
    """Put a view on the API page."""

    def declare(view: View) -> View:
        OPERATIONS[view] = Operation(tag, answer, problems, query, body)
        return view

    return declare
