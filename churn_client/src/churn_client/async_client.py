"""The asynchronous client."""

from collections.abc import Iterable, Mapping
from typing import Any, Self, Unpack, overload

from churn_client import calls
from churn_client.answers import Prediction, Token
from churn_client.async_jobs import AsyncJobs
from churn_client.async_models import AsyncModels
from churn_client.async_outcomes import AsyncOutcomes
from churn_client.async_runner import AsyncRunner
from churn_client.options import ClientOptions, ManyOptions, OneOptions
from churn_client.predict_many import FrameT, TableT, predict_many
from churn_client.settings import settings_of


class AsyncClient:
    """Client for asyncio: the same methods, options, answers and exceptions."""

    def __init__(self, url: str, key: str | None = None, **options: Unpack[ClientOptions]) -> None:
        settings = settings_of(url, key, options)
        self._rows_per_request = settings.rows_per_request
        self._runner = AsyncRunner(settings)
        self.jobs = AsyncJobs(self._runner)
        self.models = AsyncModels(self._runner)
        self.outcomes = AsyncOutcomes(self._runner)

    async def predict(self, record: Mapping[str, Any], **options: Unpack[OneOptions]) -> Prediction:
        """Predict for one customer, as Client does."""
        return await self._runner.run(calls.predict(record, options))

    @overload
    async def predict_many(self, records: FrameT, **options: Unpack[ManyOptions]) -> FrameT: ...

    @overload
    async def predict_many(self, records: TableT, **options: Unpack[ManyOptions]) -> TableT: ...

    @overload
    async def predict_many(
        self, records: Iterable[Mapping[str, Any]], **options: Unpack[ManyOptions]
    ) -> list[Prediction]: ...

    async def predict_many(self, records: Any, **options: Unpack[ManyOptions]) -> Any:
        """Predict for many customers, as Client does."""
        return await self._runner.run(predict_many(records, self._rows_per_request, options))

    async def token(self, scopes: Iterable[str] | None = None) -> Token:
        """Exchange the key for a short-lived token, with all or some of its scopes."""
        return await self._runner.run(calls.make_token(scopes))

    async def close(self) -> None:
        """End the connections."""
        await self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
