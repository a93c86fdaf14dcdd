"""Metrics of the watch on live versions, read from the database at scrape time."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from churn_api.telemetry.background_query import BackgroundQuery

CACHE_SECONDS = 60.0
"""Windows are of hours, and comparing them takes milliseconds a model."""
_VERSION = ("model", "version")
_COLUMN = (*_VERSION, "column")


class WatchedColumn(NamedTuple):
    """A feature, or the probability, in the latest compared window of a version."""

    name: str
    state: int
    psi: float
    alert: bool


class WatchedVersion(NamedTuple):
    """The latest compared window of a live version."""

    model: str
    version: str
    rows: int
    expected_roc_auc: float | None
    columns: Sequence[WatchedColumn]


class WatchCollector:
    """Collects the state of each column of each live version that has enough predictions.

    While windows are compared again, the samples are the previous ones: an alert must not end for a scrape.
    """

    def __init__(self, query: Callable[[], Sequence[WatchedVersion] | None]) -> None:
        self._versions = BackgroundQuery("watch", query, CACHE_SECONDS)

    def collect(self) -> Iterator[Metric]:
        """The metrics; without samples while the database is away."""
        state = GaugeMetricFamily(
            "churn_watch_state", "0 quiet, 1 moved, 2 drifted, in the latest window.", labels=_COLUMN
        )
        psi = GaugeMetricFamily("churn_watch_psi", "Population stability index, likewise.", labels=_COLUMN)
        alert = GaugeMetricFamily(
            "churn_watch_alert", "Drifted in the last closed window, or moved in the last two.", labels=_COLUMN
        )
        rows = GaugeMetricFamily("churn_watch_rows", "Predictions counted in the latest window.", labels=_VERSION)
        expected = GaugeMetricFamily(
            "churn_expected_roc_auc", "Expected if the relations that were learned still hold.", labels=_VERSION
        )
        for one in self._versions.latest() or ():
            labels = (one.model, one.version)
            rows.add_metric(labels, one.rows)
            if one.expected_roc_auc is not None:
                expected.add_metric(labels, one.expected_roc_auc)
            for column in one.columns:
                state.add_metric((*labels, column.name), column.state)
                psi.add_metric((*labels, column.name), column.psi)
                alert.add_metric((*labels, column.name), column.alert)
        yield from (state, psi, alert, rows, expected)
