"""The decorator `operation`, which every view needs: it declares the view, and reads its input.

Authentication and rate limits follow the declaration before any view runs (admission.py); `Accept`, query and body are
read here.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from marshmallow import Schema

from churn_api.web.core.body import read_members, read_record_or_form, read_records
from churn_api.web.core.declaration import BodyKind, Header, Limit, Operation, WireProtocol, attach_operation
from churn_api.web.core.query import read_query, require_json_accepted
from churn_api.web.core.schemas import BodySchema, NoQuerySchema, QuerySchema

NO_FILES: Mapping[str, str] = {}

View = TypeVar("View", bound=Callable[..., Any])


def operation(  # noqa: PLR0913 - one parameter for each part of a declaration
    tag: str | None,
    *,
    access: str,
    limit: Limit | None = None,
    query: type[QuerySchema] = NoQuerySchema,
    body: BodyKind = None,
    response: type[Schema] | tuple[str, ...] | None = None,
    or_files: Mapping[str, str] = NO_FILES,
    problems: tuple[str, ...] = (),
    status: int = 200,
    probe: bool = False,
    id: str = "",  # noqa: A002 - as OpenAPI calls it
    example: str | list[dict[str, Any]] = "",
    request_headers: tuple[Header, ...] = (),
    response_headers: tuple[Header, ...] = (),
    tensors: type[Schema] | None = None,
    successor: str = "",
    protocol: WireProtocol | None = None,
) -> Callable[[View], View]:
    """Declare a view. Apply it directly below the route decorators; `Operation` documents the parameters.

    The view is called with `query`, if its schema has fields, and with `body`: the bytes of a record, or `Members` that
    a schema loaded. The view of a batch reads the body itself, in the format that the client chose. Where the operation
    is for tensor models too, the body is None for a form, which the view reads.
    """
    declaration = Operation(
        tag=tag,
        access=access,
        limit=limit,
        query=query,
        body=body,
        response=response,
        or_files=or_files,
        problems=problems,
        status=status,
        probe=probe,
        id=id,
        example=example,
        request_headers=request_headers,
        response_headers=response_headers,
        tensors=tensors,
        successor=successor,
        protocol=protocol,
    )

    def declare(view: View) -> View:
        read = _reader(declaration)

        @wraps(view)
        def with_input(**arguments: Any) -> Any:
            return view(**arguments, **read())

        attach_operation(with_input, declaration)
        return cast("View", with_input)

    return declare


def _reader(declaration: Operation) -> Callable[[], dict[str, Any]]:
    """A function that reads a view's keyword arguments from the request. It raises Problem for invalid input."""
    query = declaration.query()
    has_query = bool(query.fields)
    read_body = _body_reader(declaration)
    only_json = declaration.answers_only_json

    def read() -> dict[str, Any]:
        if only_json:
            require_json_accepted()
        parameters = read_query(query)
        arguments: dict[str, Any] = {"query": parameters} if has_query else {}
        if read_body is not None:
            arguments["body"] = read_body()
        return arguments

    return read


def _body_reader(declaration: Operation) -> Callable[[], Any] | None:
    if declaration.body == "record":
        return read_record_or_form if declaration.takes_forms else read_records
    if isinstance(declaration.body, type) and issubclass(declaration.body, BodySchema):
        schema = declaration.body()
        return lambda: read_members(schema)
    return None
