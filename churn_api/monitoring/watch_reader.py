"""Reads the watch on one version of a model from the database."""

from datetime import UTC, datetime, timedelta

from churn_api.monitoring.hourly_counts import read
from churn_api.monitoring.watch import Watch, watch
from churn_api.monitoring.windows import windows
from churn_api.registry.bin_counts import BinCounter
from churn_api.registry.card import Card
from churn_api.store.database import Database

DEFAULT_DAYS = 14
MAX_DAYS = 90


class NoBaseline(Exception):
    """The version has nothing that its predictions could be compared with."""

    def __init__(self) -> None:
        super().__init__("it was packaged with fewer than 200 rows, or before there were baselines: train it again")


def watch_version(database: Database, card: Card, days: int = DEFAULT_DAYS) -> Watch:
    """The latest windows of the last days. Raises NoBaseline, DatabaseAway."""
    if card.baseline is None:
        raise NoBaseline
    now = datetime.now(UTC)
    hours = read(database, card.name, card.version, now - timedelta(days=days), now)
    return watch(card.baseline, windows(hours, BinCounter(card.signature, card.baseline.features), now))
