"""Schemas that all routes share: queries, bodies, faults, problems, and what probes answer."""

from functools import cached_property
from typing import Any, ClassVar, cast

from marshmallow import RAISE, Schema, fields

from churn_api import __version__
from churn_api.contract.numerals import is_numeral


class PlainFloat(fields.Float):
    """A number, or one in plain digits where it comes as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        _require_digits(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


class PlainInteger(fields.Integer):
    """A whole number, or one in plain digits where it comes as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        _require_digits(self, value)
        return super()._deserialize(value, attr, data, **kwargs)


def _require_digits(field: fields.Field[Any], value: Any) -> None:
    if isinstance(value, str) and not is_numeral(value):
        raise field.make_error("invalid", input=value)


class QuerySchema(Schema):
    """A query string: a misspelt parameter is a fault, not ignored."""

    class Meta:
        unknown = RAISE

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """What a request without a query asks for; most have none."""
        return cast("dict[str, Any]", self.load({}))


class NoQuerySchema(QuerySchema):
    """Routes without parameters."""


class BodySchema(Schema):
    """A JSON body: a member that there is not is a fault."""

    class Meta:
        unknown = RAISE

    optional: ClassVar[bool] = False
    """Whether a request may come without one, which asks for every default."""


class BodyOrFileSchema(BodySchema):
    """A body in place of which a form may be sent: the same members, and a file in one part."""

    part: ClassVar[str]
    file: ClassVar[str]
    """What the file is, as the document says it."""
    max_bytes: ClassVar[str]
    """The setting that says how large the file may be."""
    names_file: ClassVar[str]
    """The member that says where the file is; a form has the file itself."""


class FaultSchema(Schema):
    """One fault of a request, or one warning of an answer."""

    pointer = fields.String(metadata={"description": "JSON Pointer into the body."})
    parameter = fields.String(metadata={"description": "Name of a query parameter."})
    row = fields.Integer(metadata={"description": "Row of a table; the header is row 1."})
    line = fields.Integer(metadata={"description": "Line of a table that is text."})
    column = fields.String(allow_none=True, metadata={"description": "Column of a table."})
    code = fields.String(required=True)
    message = fields.String(required=True)
    hint = fields.String(allow_none=True)


class ProblemSchema(Schema):
    """Every error: RFC 9457, application/problem+json."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(FaultSchema))
    more_errors = fields.Integer(metadata={"description": "Faults that `errors` does not list."})
    accepted = fields.List(fields.String(), metadata={"description": "Types that the route takes."})
    limit = fields.Integer(metadata={"description": "Customers that a batch may hold."})
    scope = fields.String(metadata={"description": "Scope that is needed."})
    part = fields.String(metadata={"description": "Part that is not ready."})


class StatusSchema(Schema):
    """Answer of the probes."""

    status = fields.String(required=True, metadata={"example": "ready"})


class HealthSchema(StatusSchema):
    """Answer of /health: `ok`, `degraded` or `down`, and why."""

    status = fields.String(required=True, metadata={"example": "ok"})
    timestamp = fields.DateTime(required=True)
    version = fields.String(required=True, metadata={"example": __version__})
    checks = fields.Dict(required=True, metadata={"example": {"database": {"status": "ok"}}})
