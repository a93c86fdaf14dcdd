"""The decorator that every view declares itself with; what it declares is checked before the view runs.

Guard and limits act on it before any view (admission.py); query, body and `Accept` are read here.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from marshmallow import Schema

from churn_api.web.core.body import read_members, read_records
from churn_api.web.core.declaration import BodyKind, Header, Limit, Operation, attach_operation
from churn_api.web.core.query import read_query, require_json_accepted
from churn_api.web.core.schemas import BodySchema, NoQuerySchema, QuerySchema

View = TypeVar("View", bound=Callable[..., Any])


def operation(  # noqa: PLR0913 - one parameter for each thing that a view declares
    tag: str | None,
    *,
    access: str,
    limit: Limit | None = None,
    query: type[QuerySchema] = NoQuerySchema,
    body: BodyKind = None,
    response: type[Schema] | tuple[str, ...] | None = None,
    problems: tuple[str, ...] = (),
    status: int = 200,
    probe: bool = False,
    id: str = "",  # noqa: A002 - as OpenAPI calls it
    example: str | list[dict[str, Any]] = "",
    request_headers: tuple[Header, ...] = (),
    response_headers: tuple[Header, ...] = (),
) -> Callable[[View], View]:
    """Declare a view; Operation says what each part means. Stands directly below the view's routes.

    The view is called with `query` where it has parameters, and with `body`: the bytes of a record, or the members
    that a schema reads. A batch's body it reads itself, for its format is the client's choice.
    """
    made = Operation(
        tag=tag,
        access=access,
        limit=limit,
        query=query,
        body=body,
        response=response,
        problems=problems,
        status=status,
        probe=probe,
        id=id,
        example=example,
        request_headers=request_headers,
        response_headers=response_headers,
    )

    def declare(view: View) -> View:
        read = _reader(made)

        @wraps(view)
        def act(**arguments: Any) -> Any:
            return view(**arguments, **read())

        attach_operation(act, made)
        return cast("View", act)

    return declare


def _reader(made: Operation) -> Callable[[], dict[str, Any]]:
    """What reads all that a view is given of a request. Raises Problem where the client is at fault."""
    query = made.query()
    named = bool(query.fields)
    read_body = _body_reader(made)
    json_alone = made.answers_only_json

    def read() -> dict[str, Any]:
        if json_alone:
            require_json_accepted()
        found = read_query(query)
        given: dict[str, Any] = {"query": found} if named else {}
        if read_body is not None:
            given["body"] = read_body()
        return given

    return read


def _body_reader(made: Operation) -> Callable[[], Any] | None:
    if made.body == "record":
        return read_records
    if isinstance(made.body, type) and issubclass(made.body, BodySchema):
        schema = made.body()
        return lambda: read_members(schema)
    return None
