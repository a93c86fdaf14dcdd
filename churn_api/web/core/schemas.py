"""Schemas that all routes share: base classes of queries and bodies, faults, problems, and health."""

from functools import cached_property
from typing import Any, ClassVar, cast

from marshmallow import RAISE, Schema, fields

from churn_api import __version__
from churn_api.contract.numerals import is_numeral


class PlainFloat(fields.Float):
    """A number, or text with a number in ASCII digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        _require_digits(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


class PlainInteger(fields.Integer):
    """An integer, or text with an integer in ASCII digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        _require_digits(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


def _require_digits(field: fields.Field[Any], value: Any) -> None:
    if isinstance(value, str) and not is_numeral(value):
        raise field.make_error("invalid", input=value)


class QuerySchema(Schema):
    """Base class of query strings. Unknown parameters are faults."""

    class Meta:
        unknown = RAISE

    needs_parameters: ClassVar[bool] = False
    """Whether a request without a query string is at fault."""

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The parameters of a request without a query string."""
        return cast("dict[str, Any]", self.load({}))


class NoQuerySchema(QuerySchema):
    """The query string of routes without parameters."""


class BodySchema(Schema):
    """Base class of JSON bodies. Unknown members are faults."""

    class Meta:
        unknown = RAISE

    optional: ClassVar[bool] = False
    """Whether the body may be missing; all members have their defaults then."""


class BodyOrFileSchema(BodySchema):
    """A JSON body that a client may also send as a form with the same members and a file in one part."""

    part: ClassVar[str]
    file: ClassVar[str]
    """Description of the file in the OpenAPI document."""
    max_bytes: ClassVar[str]
    """The setting with the maximum size of the file."""
    names_file: ClassVar[str]
    """The JSON member that names the file; a form contains the file itself."""


class FaultSchema(Schema):
    """One fault of a request, or one warning of a response."""

    pointer = fields.String(metadata={"description": "JSON Pointer into the body."})
    parameter = fields.String(metadata={"description": "Name of a query parameter."})
    row = fields.Integer(metadata={"description": "Row of a table; the header is row 1."})
    line = fields.Integer(metadata={"description": "Line of a text table."})
    column = fields.String(allow_none=True, metadata={"description": "Column of a table."})
    code = fields.String(required=True)
    message = fields.String(required=True)
    hint = fields.String(allow_none=True)


class ErrorMembersSchema(Schema):
    """The members that errors of every form have."""

    code = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema))
    more_errors = fields.Integer(metadata={"description": "Faults that `errors` does not list."})
    accepted = fields.List(fields.String(), metadata={"description": "Media types that the route accepts."})
    limit = fields.Integer(metadata={"description": "Maximum that was exceeded."})
    scope = fields.String(metadata={"description": "Scope that is needed."})
    part = fields.String(metadata={"description": "Part that is not ready."})


class ProblemSchema(ErrorMembersSchema):
    """Every error: RFC 9457, application/problem+json."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    error = fields.String(metadata={"description": "The title again, on older addresses."})


class StatusSchema(Schema):
    """Response of the probes."""

    status = fields.String(required=True, metadata={"example": "ready"})


class ReadySchema(StatusSchema):
    """Response of the readiness probe."""

    without_reasons = fields.Dict(
        metadata={
            "description": "By model, why it gives no reasons for its predictions, though its bundle has some.",
            "example": {},
        }
    )


class HealthQuerySchema(QuerySchema):
    """Query string of /health."""

    strict = fields.Boolean(
        load_default=False, metadata={"description": "Answer a 503 while the status is `unhealthy`, for `curl -f`."}
    )


class HealthSchema(StatusSchema):
    """Response of /health: `healthy`, `degraded` or `unhealthy`, and the checks."""

    status = fields.String(required=True, metadata={"example": "healthy"})
    model_loaded = fields.Boolean(required=True, metadata={"description": "Whether the default model answers."})
    timestamp = fields.DateTime(required=True)
    version = fields.String(required=True, metadata={"example": __version__})
    checks = fields.Dict(required=True, metadata={"example": {"database": {"status": "healthy"}}})
