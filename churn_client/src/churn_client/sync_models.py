"""Models of the synchronous client."""

from churn_client import calls
from churn_client.answers import Explanation, Model
from churn_client.monitoring_answers import Quality, Watch
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

    def watch(self, name: str, version: str | int | None = None, days: int | None = None) -> Watch:
        """Get whether customers are still like those of training; by default for the live version and 30 days."""
        return self._runner.run(calls.get_watch(name, version, days))

    def quality(self, name: str, days: int | None = None) -> Quality:
        """Get how good predictions were, from outcomes: by calendar month, or in windows of so many days."""
        return self._runner.run(calls.get_quality(name, days))
