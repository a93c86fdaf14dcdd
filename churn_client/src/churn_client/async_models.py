"""Models of the asynchronous client."""

from churn_client import calls
from churn_client.answers import Explanation, Model
from churn_client.async_runner import AsyncRunner


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
