"""Predictions for many customers: cut into requests, sent in parallel, put together in order."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

import httpx

from churn_client.answers import Fault
from churn_client.calls import below, query
from churn_client.exceptions import ErrorResponse, InvalidRequest, understood
from churn_client.options import ManyOptions
from churn_client.steps import Call, Steps, Together

_TOO_LARGE = 413
_MAX_FAULTS = 1000


class Rows(Protocol):
    """Customers, or a part of them; positions count from the first that the caller gave."""

    def __len__(self) -> int: ...

    def cut(self, start: int, stop: int) -> Self:
        """A part of them."""
        ...

    def body(self) -> tuple[bytes, Mapping[str, str]]:
        """The body of a request, and its headers."""
        ...

    def read(self, response: httpx.Response) -> tuple[Any, str]:
        """The predictions of the response, and the version that made them."""
        ...

    def locate(self, fault: Fault) -> Fault:
        """A fault with its position; unchanged where it is not about one customer."""
        ...

    def join(self, parts: Sequence[Any]) -> Any:
        """The predictions of all parts."""
        ...


class Part(NamedTuple):
    """What a request gave: predictions and the version that made them, or the error that there is instead."""

    predictions: list[Any]
    version: str | None = None
    error: InvalidRequest | None = None
    faults: Sequence[Fault] = ()


def predict_rows(rows: Rows, rows_per_request: int, options: ManyOptions) -> Steps[Any]:
    """Predict for all rows, by one version of the model.

    The first response names the version, and later requests pin it: one that is made live in between answers no part.
    Raises InvalidRequest with the faults of all rows.
    """
    starts = range(0, max(1, len(rows)), rows_per_request)
    slices = [rows.cut(start, min(start + rows_per_request, len(rows))) for start in starts]
    first = yield from _predict_part(slices[0], options)
    pinned = options if first.version is None else options | {"version": first.version}
    others: list[Part] = yield Together([_predict_part(part, pinned) for part in slices[1:]])
    parts = [first, *others]
    _raise_faults([part for part in parts if part.error])
    return rows.join([predictions for part in parts for predictions in part.predictions])


def _predict_part(rows: Rows, options: ManyOptions) -> Steps[Part]:
    """Predict for rows in one request, or in two halves where the service says that they are too many."""
    content, headers = rows.body()
    try:
        response = yield Call("POST", below("batch-predict", options.get("model")), query(options), headers, content)
    except ErrorResponse as error:
        if error.status == _TOO_LARGE and len(rows) > 1:
            return (yield from _predict_halves(rows, options))
        faults = [rows.locate(fault) for fault in error.faults]
        if not isinstance(error, InvalidRequest) or any(fault.position is None for fault in faults):
            raise
        return Part([], error=error, faults=faults)
    predictions, version = understood(response, rows.read)
    return Part([predictions], version)


def _predict_halves(rows: Rows, options: ManyOptions) -> Steps[Part]:
    middle = len(rows) // 2
    one = yield from _predict_part(rows.cut(0, middle), options)
    other = yield from _predict_part(rows.cut(middle, len(rows)), options)
    return Part(
        [*one.predictions, *other.predictions],
        one.version or other.version,
        one.error or other.error,
        [*one.faults, *other.faults],
    )


def _raise_faults(parts: Sequence[Part]) -> None:
    """Raise InvalidRequest with the faults of all parts, where there are any."""
    errors = [part.error for part in parts if part.error]
    if not errors:
        return
    faults = [fault for part in parts for fault in part.faults]
    more = sum(error.more_faults for error in errors) + len(faults[_MAX_FAULTS:])
    count = len(faults[:_MAX_FAULTS]) + more
    detail = f"{count} {'field is' if count == 1 else 'fields are'} not valid"
    first = errors[0]
    raise InvalidRequest(
        first.status,
        first.code,
        detail,
        faults=faults[:_MAX_FAULTS],
        more_faults=more,
        request_id=first.request_id,
    )
