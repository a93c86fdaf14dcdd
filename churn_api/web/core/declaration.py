"""A view's declaration: access, rate limit, input, responses and problems.

An application stores declarations by endpoint, so that another decorator around a view cannot remove them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from marshmallow import Schema

from churn_api.access.caller import SCOPES
from churn_api.config import StartError
from churn_api.contract.signature import Signature
from churn_api.web.core.schemas import BodySchema, QuerySchema

PUBLIC = "public"
"""Access without authentication."""
ANY_KEY = "any key"
"""Access with any key, whatever its scopes."""

Limit = Literal["predict", "batch", "management"]
DescribeBody = Callable[[dict[str, Any], Signature | None, int], dict[str, Any]]
"""From a record's JSON Schema, the default model's signature and the maximum of rows to a body in OpenAPI's terms."""
BodyKind = Literal["record", "customers", "batch"] | type[BodySchema] | DescribeBody | None

_ATTRIBUTE = "__operation__"


class Header(NamedTuple):
    """A documented header of a request or of a response."""

    name: str
    description: str
    example: str
    pattern: str = ""
    """Regular expression of valid values; empty where all are valid."""


class UndeclaredView(StartError):
    """A view is registered without a declaration, or with an unknown access. The text names its endpoint."""


class ErrorContent(NamedTuple):
    """What a response with an error says, before a protocol gives it its form."""

    code: str
    status: int
    detail: str
    request_id: str
    members: Mapping[str, Any]
    """Further members, such as `errors`."""


@dataclass(frozen=True, kw_only=True)
class WireProtocol:
    """Another system's protocol."""

    name: str
    """Label of its metrics, and field of its log lines."""
    error_schema: type[Schema]
    error_body: Callable[[ErrorContent], Mapping[str, Any] | str]
    """From an error to an object of JSON, or to plain text."""

    @staticmethod
    def status_of(status: int) -> int:
        """The status for that of a problem: these protocols have no 422, and many clients understand only 400."""
        return 400 if status == 422 else status


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A view's declaration. The view's docstring becomes the text of the API page.

    Raises UndeclaredView where `access` is unknown.
    """

    tag: str | None
    """Heading on the API page; None hides the operation, as for the page itself."""
    access: str
    """The scope that a caller needs, ANY_KEY, or PUBLIC."""
    limit: Limit | None
    """The configured rate limit that counts its calls; None for no limit."""
    query: type[QuerySchema]
    body: BodyKind
    """A schema of JSON; `record` for the bytes of a record; `customers` for JSON with many; `batch` for that or a
    table; or a function that describes another body. The view reads the last three itself."""
    response: type[Schema] | tuple[str, ...] | None
    """A schema of JSON, or the media types of a file."""
    or_files: Mapping[str, str]
    """The media types of files that it answers instead of JSON, where `Accept` prefers one, with an example of a text,
    or a description of a binary file."""
    problems: tuple[str, ...]
    """Codes of problems that do not follow from the rest of the declaration."""
    status: int
    """Status of a successful response."""
    probe: bool
    """Whether probes call it every few seconds; their successful requests are logged at DEBUG only."""
    id: str = ""
    """operationId, which generated clients use; empty for the view's name."""
    example: str | list[dict[str, Any]] = ""
    """Example of a response that is a file: its text, or its rows."""
    request_headers: tuple[Header, ...] = ()
    """Request headers that it reads."""
    response_headers: tuple[Header, ...] = ()
    """Headers of a successful response, in addition to those of every response."""
    tensors: type[Schema] | None = None
    """What it answers for a tensor model; None where it works with customers alone."""
    successor: str = ""
    """The endpoint that replaces a deprecated operation; empty for all others."""
    protocol: WireProtocol | None = None
    """None for this API's own routes."""

    def __post_init__(self) -> None:
        if self.access not in (PUBLIC, ANY_KEY, *SCOPES):
            raise UndeclaredView(f"access is {self.access!r}: it must be PUBLIC, ANY_KEY or one of {', '.join(SCOPES)}")

    @property
    def answers_only_json(self) -> bool:
        """Whether the view is not public and returns only JSON: other `Accept` values are a 406 before it runs."""
        files = self.body == "batch" or isinstance(self.response, tuple) or bool(self.or_files)
        return self.access != PUBLIC and not files and self.protocol is None

    @property
    def takes_forms(self) -> bool:
        """Whether a body may be a form with an image, for a tensor model."""
        return self.tensors is not None and self.body != "batch"

    @property
    def describe_body(self) -> DescribeBody | None:
        """What describes a body that the view reads itself, other than that of a batch."""
        return None if self.body is None or isinstance(self.body, str | type) else self.body

    @property
    def reads_records(self) -> bool:
        """Whether its body has records of a model."""
        return self.body is not None and not isinstance(self.body, type)

    def all_problems(self) -> Iterator[str]:
        """Codes of all problems that it can return, without those of every route."""
        yield from self.problems
        yield "validation-failed"
        if any(header.pattern for header in self.request_headers):
            yield "bad-request"
        if self.body is not None:
            yield from ("malformed-json", "too-large", "unsupported-media-type")
        if self.answers_only_json or self.body == "batch" or self.or_files:
            yield "not-acceptable"
        if self.tensors is not None:
            yield from ("not-computable", "gateway-timeout")
        if self.takes_forms:
            yield from ("malformed-image", "dependency-unavailable")
        if self.limit is not None:
            yield "rate-limited"


def attach_operation(view: Callable[..., Any], operation: Operation) -> None:
    """Attach a declaration to a view function."""
    setattr(view, _ATTRIBUTE, operation)


def operation_of(endpoint: str, view: Callable[..., Any] | None) -> Operation:
    """The declaration of a view that is being registered. Raises UndeclaredView where it has none."""
    operation: Operation | None = getattr(view, _ATTRIBUTE, None)
    if operation is None:
        raise UndeclaredView(
            f"the view {endpoint!r} does not say who may call it: declare it with @operation(…, access=…), "
            "directly below its route"
        )
    return operation
