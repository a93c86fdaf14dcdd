"""Does the steps of operations with asyncio."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import httpx

from churn_client.exceptions import ChurnClientError
from churn_client.http_requests import request_of, saved_file
from churn_client.settings import Settings
from churn_client.steps import Attempt, Call, Sleep, Step, Steps, Together

T = TypeVar("T")


class AsyncRunner:
    """Runs operations of one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(**settings.http)

    async def run(self, steps: Steps[T]) -> T:
        """Do what an operation yields until it returns its answer."""
        result: Any = None
        error: ChurnClientError | None = None
        while True:
            try:
                step = steps.send(result) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                result, error = await self._do(step), None
            except ChurnClientError as raised:
                error = raised

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    async def _do(self, step: Step) -> Any:
        match step:
            case Call():
                return await self.run(self._settings.retries.complete(step))
            case Attempt():
                return await self._attempt(step)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case Together(operations):
                return await self._together(operations)

    async def _attempt(self, attempt: Attempt) -> httpx.Response | httpx.RequestError:
        path = attempt.call.save_to
        try:
            with request_of(attempt, self._http) as request:
                async with aclosing(await self._http.send(request, stream=True)) as response:
                    if path is None or not response.is_success:
                        await response.aread()
                    else:
                        with saved_file(path) as write:
                            async for chunk in response.aiter_bytes():
                                write(chunk)
                    return response
        except httpx.RequestError as error:
            return error

    async def _together(self, operations: Sequence[Steps[Any]]) -> list[Any]:
        gate = asyncio.Semaphore(self._settings.parallel)

        async def run(operation: Steps[Any]) -> Any:
            async with gate:
                return await self.run(operation)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(operation)) for operation in operations]
        except ExceptionGroup as errors:
            # As without a group: the first one, while the other tasks are cancelled.
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]
