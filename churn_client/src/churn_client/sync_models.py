"""Models of the synchronous client."""

from churn_client import calls
from churn_client.answers import Explanation, Model
from churn_client.sync_runner import SyncRunner


class Models:
    """The models of a service."""

    def __init__(self, runner: SyncRunner) -> None:
        self._runner = runner

    def list(self) -> list[Model]:
        """List the models, without their cards."""
        return self._runner.run(calls.list_models())

    def get(self, name: str) -> Model:
        """Get a model with the card of its live version: signature, policy, metrics."""
        return self._runner.run(calls.get_model(name))

    def make_live(self, name: str, version: str | int) -> Model:
        """Make a version live; the same call rolls back."""
        return self._runner.run(calls.make_live(name, version))

    def explanation(self, name: str, version: str | int | None = None) -> Explanation:
        """Get what moves a model's predictions in general; by default of the live version."""
        return self._runner.run(calls.get_explanation(name, version))
