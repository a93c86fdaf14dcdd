"""Outcomes of the asynchronous client."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from churn_client import outcome_calls
from churn_client.async_runner import AsyncRunner
from churn_client.monitoring_answers import Complete, Receipt


class AsyncOutcomes:
    """What became of customers, from which the service knows how good its predictions were."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def report(self, outcomes: Iterable[Mapping[str, Any]] | Any, model: str | None = None) -> Receipt:
        """Report who left and when: mappings, a DataFrame or an Arrow table, at most 10,000 rows.

        A row has `customer_id` or `request_id`, `left`, `on`, and perhaps `contacted` and `kept_by`. Reporting a row
        again changes nothing.
        """
        return await self._runner.run(outcome_calls.report(outcomes, model))

    async def complete(self, until: date | str, model: str | None = None) -> Complete:
        """Declare that everyone who left up to a day is reported: all others have stayed."""
        return await self._runner.run(outcome_calls.complete(until, model))
