"""Live quality as JSON has it, for the API and the command line."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_api.monitoring.live_figures import Calibrated, Estimate, Figures
from churn_api.monitoring.outcome_arrays import unknown_outcomes
from churn_api.monitoring.outcome_store import complete_until
from churn_api.monitoring.quality_store import read_days, without_identifier
from churn_api.monitoring.quality_windows import QualityWindow, Source, is_worse, quality_windows
from churn_api.monitoring.version_facts import VersionFacts
from churn_api.monitoring.watch_document import TOO_FEW, expected_document
from churn_api.store.database import Database

MAX_DAYS = 800
"""How far back windows reach."""
MEASURED = "measured"


def quality_document(
    database: Database, model: str, facts: Mapping[str, VersionFacts], live: str | None, length: int | None
) -> dict[str, Any]:
    """The windows of every version and variant, of `length` days or months. Raises DatabaseAway."""
    until = complete_until(database).get(model)
    since = datetime.now(UTC).date() - timedelta(days=MAX_DAYS)
    with database.reading() as connection:
        windows = quality_windows(read_days(connection, model, since), length)
        unnamed = without_identifier(connection, model)
        unknown = None if until is None else unknown_outcomes(connection, model, until - _longest(facts))
    versions = [
        _version(version, variant, facts.get(version), windows, unnamed.get(version, 0))
        for version, variant in _sources(windows, live)
    ]
    return {
        "model_name": model,
        "live": live,
        "complete_until": until,
        "unknown_outcomes": unknown,
        "alert": any(one["alert"] for one in versions if one["version"] == live),
        "versions": versions,
        "advice": list(_advice(facts, live, has_until=until is not None, has_windows=bool(windows))),
    }


def _longest(facts: Mapping[str, VersionFacts]) -> timedelta:
    return timedelta(days=max((one.horizon or 0 for one in facts.values()), default=0))


def _sources(windows: Mapping[Source, list[QualityWindow]], live: str | None) -> list[tuple[str, str]]:
    """Versions and variants that have windows, and the live version in any case; the latest version first."""
    found = {(source.version, source.variant) for source in windows}
    if live is not None and live not in {version for version, _ in found}:
        found.add((live, "live"))
    return sorted(found, key=lambda source: (len(source[0]), source[0], source[1]), reverse=True)


def _version(
    version: str,
    variant: str,
    facts: VersionFacts | None,
    windows: Mapping[Source, list[QualityWindow]],
    unnamed: int,
) -> dict[str, Any]:
    own = windows.get(Source(version, variant, contacted=False), [])
    called = windows.get(Source(version, variant, contacted=True), [])
    return {
        "version": version,
        "variant": variant,
        "horizon_days": None if facts is None else facts.horizon,
        "trained": {} if facts is None else facts.trained,
        "alert": facts is not None and is_worse(own, facts),
        "without_identifier": unnamed,
        "windows": [_window(one) for one in own],
        "contacted": [_window(one) for one in called],
    }


def _window(window: QualityWindow) -> dict[str, Any]:
    quality = window.quality
    return {
        "start": window.start,
        "end": window.end,
        "predictions": quality.predictions,
        "leavers": quality.leavers,
        "rate": _estimate(quality.rate),
        "mean_probability": quality.mean_probability,
        "state": TOO_FEW if quality.figures is None else MEASURED,
        **({} if quality.figures is None else _figures(quality.figures)),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "roc_auc": _estimate(figures.roc_auc),
        "brier": _estimate(figures.brier),
        "ece": figures.ece,
        "calibration": _estimate(figures.calibration),
        "precision": _estimate(figures.precision),
        "recall": _estimate(figures.recall),
        "reliability": [_calibrated(one) for one in figures.reliability],
        "expected": expected_document(figures.expected),
    }


def _calibrated(group: Calibrated) -> dict[str, Any]:
    return {"predicted": group.predicted, "observed": _estimate(group.observed), "predictions": group.predictions}


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else estimate._asdict()


def _advice(
    facts: Mapping[str, VersionFacts], live: str | None, *, has_until: bool, has_windows: bool
) -> Iterator[str]:
    """What is missing, and what to do about it."""
    if live is not None and live in facts and facts[live].horizon is None:
        yield (
            f"Version {live} does not say within how many days its customers leave: train it with --horizon-days, so "
            "that outcomes can be compared with its predictions."
        )
    if not has_until:
        yield (
            "No day is declared complete: report who left by `churn-api outcomes load` or the route of outcomes, and "
            "declare with it until when everyone is reported."
        )
    elif not has_windows:
        yield (
            "No prediction is mature: its horizon must have passed before the day up to which outcomes are complete, "
            "and it must have been logged."
        )
