"""The latest windows of all live versions, for the metrics."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from churn_api.monitoring.drift import Drift
from churn_api.monitoring.watch import Watch
from churn_api.monitoring.watch_reader import NoBaseline, watch_version
from churn_api.registry.bundle import BundleError, read_card
from churn_api.registry.card import Card
from churn_api.registry.catalog import Entry
from churn_api.scoring.output import PROBABILITY
from churn_api.store.database import Database
from churn_api.telemetry.watch_metrics import WatchedColumn, WatchedVersion

_DAYS = 4
"""Two closed windows, and one that is open."""


def watched_versions(database: Database, models_dir: Path, catalog: Mapping[str, Entry]) -> list[WatchedVersion]:
    """Those that have a compared window. Raises DatabaseAway."""
    found = []
    for name, entry in catalog.items():
        if entry.live is not None:
            with suppress(BundleError, NoBaseline):
                card = read_card(models_dir / name / entry.live, entry.digests[entry.live])
                found.append(_watched(card, watch_version(database, card, _DAYS)))
    return [one for one in found if one is not None]


def _watched(card: Card, watch: Watch) -> WatchedVersion | None:
    latest = watch.latest
    if latest is None:
        return None
    columns = [
        _column(baseline.feature, compared.drift, alert=baseline.feature in watch.alerts)
        for baseline, compared in zip(watch.baseline.features, latest.features, strict=True)
    ]
    columns.append(_column(PROBABILITY.name, latest.scores, alert=watch.score_alert))
    return WatchedVersion(card.name, card.version, latest.window.counted.rows, latest.expected.roc_auc, columns)


def _column(name: str, drift: Drift, *, alert: bool) -> WatchedColumn:
    return WatchedColumn(name, int(drift.state), drift.psi, alert)
