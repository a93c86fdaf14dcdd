"""What a view declares of itself: who may call it, how often, what it takes and answers.

An application keeps declarations by endpoint, so no decorator around a view can take one off.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from marshmallow import Schema

from churn_api.access.caller import SCOPES
from churn_api.config import StartError
from churn_api.web.core.schemas import BodySchema, QuerySchema

PUBLIC = "public"
"""Access of a view that anyone may call."""
ANY_KEY = "any key"
"""Access of a view that takes every key, whatever its scopes."""

Limit = Literal["predict", "batch", "management"]
BodyKind = Literal["record", "batch"] | type[BodySchema] | None

_ATTRIBUTE = "__operation__"


class Header(NamedTuple):
    """A header of a request or of an answer."""

    name: str
    description: str
    example: str
    pattern: str = ""
    """Of the values that are taken, where not all are."""


class UndeclaredView(StartError):
    """A view that does not say who may call it; the text names its endpoint."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A view's declaration. The view's docstring is the API page's text.

    Raises UndeclaredView where `access` is none that there is.
    """

    tag: str | None
    """Under which heading it stands on the API page; None: it is part of that page, and not on it."""
    access: str
    """The scope that a caller needs, ANY_KEY, or PUBLIC."""
    limit: Limit | None
    """Which of the configured limits counts its calls; None: no limit."""
    query: type[QuerySchema]
    body: BodyKind
    """JSON by a schema; the bytes of a record; or a batch, whose format the view finds out."""
    response: type[Schema] | tuple[str, ...] | None
    """JSON by a schema, or files of these types."""
    problems: tuple[str, ...]
    """Codes of problems, besides those that follow from the rest."""
    status: int
    """Of the answer where all is well."""
    probe: bool
    """Whether it is asked every few seconds: that all is well is no news then."""
    id: str = ""
    """What generated clients call it; empty: as the view is called."""
    example: str | list[dict[str, Any]] = ""
    """What a file that it answers holds: its text, or its rows."""
    request_headers: tuple[Header, ...] = ()
    """Headers of a request that it reads."""
    response_headers: tuple[Header, ...] = ()
    """Headers that its answer has where all is well, besides those of every answer."""

    def __post_init__(self) -> None:
        if self.access not in (PUBLIC, ANY_KEY, *SCOPES):
            raise UndeclaredView(f"access is {self.access!r}: it must be PUBLIC, ANY_KEY or one of {', '.join(SCOPES)}")

    @property
    def answers_only_json(self) -> bool:
        """Whether a guarded view answers JSON and nothing else: a client that accepts none is told so first."""
        return self.access != PUBLIC and self.body != "batch" and not isinstance(self.response, tuple)

    def all_problems(self) -> Iterator[str]:
        """Codes of all problems that it can answer, but for those of every route."""
        yield from self.problems
        yield "validation-failed"
        if any(header.pattern for header in self.request_headers):
            yield "bad-request"
        if self.body is not None:
            yield from ("malformed-json", "too-large", "unsupported-media-type")
        if self.answers_only_json or self.body == "batch":
            yield "not-acceptable"
        if self.limit is not None:
            yield "rate-limited"


def attach_operation(view: Callable[..., Any], operation: Operation) -> None:
    """Write a declaration on a view, for the application that will register it."""
    setattr(view, _ATTRIBUTE, operation)


def operation_of(endpoint: str, view: Callable[..., Any] | None) -> Operation:
    """The declaration of a view that is about to be registered. Raises UndeclaredView where there is none."""
    operation: Operation | None = getattr(view, _ATTRIBUTE, None)
    if operation is None:
        raise UndeclaredView(
            f"the view {endpoint!r} does not say who may call it: declare it with @operation(…, access=…), "
            "directly below its route"
        )
    return operation
