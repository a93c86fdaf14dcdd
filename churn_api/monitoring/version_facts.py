"""What live quality needs to know of a version: its horizon, and how good it was in training."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from churn_api.monitoring.expected_quality import roc_auc
from churn_api.registry.bundle import BundleError, read_card
from churn_api.registry.card import Card
from churn_api.registry.catalog import Entry
from churn_api.registry.headline_metrics import headline_metrics

_SHOWN = ("roc_auc", "brier", "ece")


class VersionFacts(NamedTuple):
    """One version of a model of customers."""

    horizon: int | None
    """Within how many days after a prediction it means that a customer leaves; None where it is not stated."""
    trained: Mapping[str, float]
    """What training measured: `roc_auc`, `brier` and `ece`, as far as there are any."""
    deviation: float
    """Standard deviation of that area, for as many rows as it was measured on; 0 where it is not known."""


def facts_of_versions(models_dir: Path, name: str, entry: Entry) -> dict[str, VersionFacts]:
    """The facts of all registered versions whose bundles can be read."""
    found = {}
    for version, digest in entry.digests.items():
        with suppress(BundleError):
            found[version] = _facts(models_dir / name / version, digest)
    return found


def horizons(models_dir: Path, catalog: Mapping[str, Entry]) -> dict[str, dict[str, int]]:
    """By model and version, the horizon in days of each version that has one."""
    return {
        name: {
            version: facts.horizon
            for version, facts in facts_of_versions(models_dir, name, entry).items()
            if facts.horizon is not None
        }
        for name, entry in catalog.items()
    }


@lru_cache(maxsize=1024)
def _facts(folder: Path, digest: str) -> VersionFacts:
    """Cards do not change, and take a millisecond to read."""
    card = read_card(folder, digest)
    measured = headline_metrics(card)
    return VersionFacts(
        card.signature.target.horizon_days,
        {name: measured[name] for name in _SHOWN if name in measured},
        _deviation(card),
    )


def _deviation(card: Card) -> float:
    if card.baseline is None:
        return 0.0
    counts, leaving = np.array(card.baseline.scores.counts, np.float64), np.array(card.baseline.scores.sums)
    if not 0 < leaving.sum() < counts.sum():
        return 0.0
    return roc_auc(leaving, counts - leaving)[1]
