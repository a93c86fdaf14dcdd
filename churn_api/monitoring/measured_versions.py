"""The latest figures of all live versions, for the metrics."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from churn_api.monitoring.quality_store import DayKey, read_days
from churn_api.monitoring.quality_windows import QualityWindow, Source, is_worse, quality_windows
from churn_api.monitoring.version_facts import VersionFacts, facts_of_versions
from churn_api.registry.catalog import Entry
from churn_api.registry.variants import CONTROL, LIVE_VARIANT
from churn_api.store.database import Database
from churn_api.telemetry.quality_metrics import MeasuredVersion

_DAYS = 400
"""A figure of a year ago is no alarm."""


def measured_versions(database: Database, models_dir: Path, catalog: Mapping[str, Entry]) -> list[MeasuredVersion]:
    """Those that have a month with enough outcomes. Raises DatabaseAway."""
    since = datetime.now(UTC).date() - timedelta(days=_DAYS)
    found = []
    for name, entry in catalog.items():
        if entry.live is not None:
            with database.reading() as connection:
                days = [(_of_version(key), counts) for key, counts in read_days(connection, name, since)]
            windows = quality_windows(days, None)
            own = windows.get(Source(entry.live, LIVE_VARIANT, contacted=False), [])
            facts = facts_of_versions(models_dir, name, entry).get(entry.live)
            if own and facts is not None:
                found.append(_measured(name, entry.live, own, facts))
    return [one for one in found if one is not None]


def _of_version(key: DayKey) -> DayKey:
    """The control group of an experiment is the live version's as well."""
    return key._replace(variant=LIVE_VARIANT) if key.variant == CONTROL else key


def _measured(name: str, version: str, windows: list[QualityWindow], facts: VersionFacts) -> MeasuredVersion | None:
    latest = next((one.quality for one in reversed(windows) if one.quality.figures is not None), None)
    if latest is None or latest.figures is None:
        return None
    figures = latest.figures
    return MeasuredVersion(
        model=name,
        version=version,
        roc_auc=figures.roc_auc.value,
        low=figures.roc_auc.low,
        high=figures.roc_auc.high,
        trained_roc_auc=facts.trained.get("roc_auc"),
        brier=figures.brier.value,
        calibration=figures.calibration.value,
        leavers=latest.leavers,
        alert=is_worse(windows, facts),
    )
