"""Models of the asynchronous client."""

from churn_client import calls
from churn_client.answers import Explanation, Model
from churn_client.async_runner import AsyncRunner
from churn_client.monitoring_answers import Quality, Watch


class AsyncModels:
    """The models of a service."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def list(self) -> list[Model]:
        """List the models, without their cards."""
        return await self._runner.run(calls.list_models())

    async def get(self, name: str) -> Model:
        """Get a model with the card of its live version: signature, policy, metrics."""
        return await self._runner.run(calls.get_model(name))

    async def make_live(self, name: str, version: str | int) -> Model:
        """Make a version live; the same call rolls back."""
        return await self._runner.run(calls.make_live(name, version))

    async def explanation(self, name: str, version: str | int | None = None) -> Explanation:
        """Get what moves a model's predictions in general; by default of the live version."""
        return await self._runner.run(calls.get_explanation(name, version))

    async def watch(self, name: str, version: str | int | None = None, days: int | None = None) -> Watch:
        """Get whether customers are still like those of training; by default for the live version and 30 days."""
        return await self._runner.run(calls.get_watch(name, version, days))

    async def quality(self, name: str, days: int | None = None) -> Quality:
        """Get how good predictions were, from outcomes: by calendar month, or in windows of so many days."""
        return await self._runner.run(calls.get_quality(name, days))
