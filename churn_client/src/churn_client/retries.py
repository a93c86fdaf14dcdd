"""When a call is sent again, and how long the client waits before."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import count
from typing import NamedTuple
from uuid import uuid4

import httpx

from churn_client.exceptions import ChurnClientError, NoResponse, error_of
from churn_client.steps import Attempt, Call, Sleep, Steps

FIRST_WAIT = 0.5
_REFUSED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses of requests that the service has not begun."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Retries(NamedTuple):
    """How often a call is sent again, and the longest wait before."""

    attempts: int
    max_wait: float

    def complete(self, call: Call) -> Steps[httpx.Response]:
        """Send a call until it succeeds. Raises ChurnClientError where it fails, or may not be sent again."""
        request_id = uuid4().hex
        for attempt in count():
            result = yield Attempt(call, request_id)
            if isinstance(result, httpx.Response) and result.is_success:
                return result
            wait = self._wait(call, result, attempt)
            if wait is None:
                raise _error(call, result, request_id)
            yield Sleep(wait)
        raise AssertionError

    def _wait(self, call: Call, result: httpx.Response | httpx.RequestError, attempt: int) -> float | None:
        """The seconds to wait before the next attempt; None where there is none."""
        if attempt >= self.attempts or not _may_repeat(call, result):
            return None
        backoff = min(self.max_wait, FIRST_WAIT * 2.0**attempt) * random.uniform(0.5, 1)  # noqa: S311 # nosec B311
        asked = retry_after(result) if isinstance(result, httpx.Response) else None
        if asked is None:
            return backoff
        return None if asked > self.max_wait else asked + backoff / 10


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or as a date; None where it is missing or neither."""
    text: str = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _may_repeat(call: Call, result: httpx.Response | httpx.RequestError) -> bool:
    if isinstance(result, httpx.Response):
        return result.status_code in _REFUSED
    return call.repeatable or isinstance(result, _NOT_SENT)


def _error(call: Call, result: httpx.Response | httpx.RequestError, request_id: str) -> ChurnClientError:
    if isinstance(result, httpx.Response):
        return error_of(result, request_id)
    kind = type(result).__name__
    return NoResponse(f"{call.method} {call.path}: no response ({kind}: {result})", request_id=request_id)
