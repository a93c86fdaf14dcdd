"""Does the steps of operations with threads."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

import httpx

from churn_client.exceptions import ChurnClientError
from churn_client.http_requests import request_of, saved_file
from churn_client.settings import Settings
from churn_client.steps import Attempt, Call, Sleep, Step, Steps, Together

T = TypeVar("T")


class SyncRunner:
    """Runs operations; threads may share one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx.Client(**settings.http)

    def run(self, steps: Steps[T]) -> T:
        """Do what an operation yields until it returns its answer."""
        result: Any = None
        error: ChurnClientError | None = None
        while True:
            try:
                step = steps.send(result) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                result, error = self._do(step), None
            except ChurnClientError as raised:
                error = raised

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def _do(self, step: Step) -> Any:
        match step:
            case Call():
                return self.run(self._settings.retries.complete(step))
            case Attempt():
                return self._attempt(step)
            case Sleep(seconds):
                return time.sleep(seconds)
            case Together(operations):
                return self._together(operations)

    def _attempt(self, attempt: Attempt) -> httpx.Response | httpx.RequestError:
        path = attempt.call.save_to
        try:
            with request_of(attempt, self._http) as request, closing(self._http.send(request, stream=True)) as response:
                if path is None or not response.is_success:
                    response.read()
                else:
                    with saved_file(path) as write:
                        for chunk in response.iter_bytes():
                            write(chunk)
                return response
        except httpx.RequestError as error:
            return error

    def _together(self, operations: Sequence[Steps[Any]]) -> list[Any]:
        if not operations:
            return []
        with ThreadPoolExecutor(self._settings.parallel) as pool:
            try:
                return list(pool.map(self.run, operations))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
