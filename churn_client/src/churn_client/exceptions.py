"""What the client raises."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from churn_client.answers import Fault, Job

T = TypeVar("T")


class ChurnClientError(Exception):
    """Base of all that the client raises."""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id
        """The request's id, under which the service has it in its log."""


class NoResponse(ChurnClientError):
    """The service did not answer: it cannot be reached, or took longer than the timeout."""


class JobNotSucceeded(ChurnClientError):
    """A job that was waited for has failed, or was cancelled."""

    def __init__(self, job: Job) -> None:
        reason = job.reason or {}
        why = f" ({reason.get('code')}): {reason.get('detail')}" if reason else ""
        super().__init__(f"the job {job.id} has {'failed' if job.state == 'failed' else 'been cancelled'}{why}")
        self.job = job


class ErrorResponse(ChurnClientError):
    """The service answered with a problem (RFC 9457)."""

    def __init__(
        self,
        status: int,
        code: str | None,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        more_faults: int = 0,
        request_id: str | None = None,
    ) -> None:
        super().__init__(_text(status, code, detail, faults, more_faults), request_id=request_id)
        self.status = status
        self.code = code
        """The problem's code, such as `rate-limited`; None where what answered is not the service."""
        self.detail = detail
        self.faults = tuple(faults)
        """Every fault of the request, in order; without those beyond the first thousand of a request."""
        self.more_faults = more_faults
        """The number of faults that are not listed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


class InvalidRequest(ErrorResponse):
    """What was sent is not valid; `faults` says what is wrong, all of it at once."""


class NotPermitted(ErrorResponse):
    """The key or the token is missing, is not valid, or lacks a scope."""


class NotThere(ErrorResponse):
    """There is no such model, version, job or route."""


class TooManyRequests(ErrorResponse):
    """A limit is exceeded, and waiting for it takes longer than the client may wait."""


class Unavailable(ErrorResponse):
    """The service cannot answer now."""


class UnexpectedResponse(ErrorResponse):
    """A success that is not of this service: another program answers at the URL, or a much newer version."""


_CLASSES = {401: NotPermitted, 403: NotPermitted, 404: NotThere, 422: InvalidRequest, 429: TooManyRequests}


class _Problem(msgspec.Struct):
    """The members of a problem that an exception has."""

    code: str | None = None
    detail: str = ""
    request_id: str | None = None
    errors: tuple[Fault, ...] = ()
    more_errors: int = 0


def error_of(response: httpx.Response, request_id: str) -> ErrorResponse:
    """The exception for a response that is not a success."""
    problem = _problem(response)
    kind = _CLASSES.get(response.status_code, Unavailable if response.is_server_error else ErrorResponse)
    return kind(
        response.status_code,
        problem.code,
        problem.detail,
        faults=problem.errors,
        more_faults=problem.more_errors,
        request_id=problem.request_id or response.headers.get("X-Request-ID", request_id),
    )


def understood(response: httpx.Response, read: Callable[[httpx.Response], T]) -> T:
    """What `read` makes of a successful response. Raises UnexpectedResponse where it can make nothing of it."""
    try:
        return read(response)
    except (msgspec.MsgspecError, AttributeError, LookupError, TypeError, ValueError) as error:
        request_id = response.request.headers["X-Request-ID"]
        text = "the response is not one of this service"
        raise UnexpectedResponse(response.status_code, None, text, request_id=request_id) from error


def _problem(response: httpx.Response) -> _Problem:
    """The problem of a response; of what is none, such as a proxy's page, its status in words."""
    try:
        return msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        return _Problem(detail=response.reason_phrase)


def _text(status: int, code: str | None, detail: str, faults: Sequence[Fault], more: int) -> str:
    shown = [str(fault) for fault in faults[:3]]
    left = len(faults) - len(shown) + more
    listed = ": " + "; ".join(shown) if shown else ""
    return f"{status} {code or 'no-problem'}: {detail}{listed}{f' (and {left} more)' if left else ''}"


def _restore(kind: type[ErrorResponse], args: tuple[Any, ...], members: dict[str, Any]) -> ErrorResponse:
    """Make an exception as it was pickled."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(members)
    return error
