"""A watch as JSON has it, for the API and the command line."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from churn_api.contract.signature import Feature
from churn_api.monitoring.drift import Drift
from churn_api.monitoring.expected_quality import ExpectedQuality, expected_quality
from churn_api.monitoring.watch import ComparedFeature, ComparedWindow, Watch
from churn_api.monitoring.windows import Window
from churn_api.registry.baseline import FeatureBaseline
from churn_api.registry.card import Card

TOO_FEW = "too-few"
"""The state of a window that is not compared."""


def watch_document(card: Card, watch: Watch) -> dict[str, Any]:
    """All windows, the oldest first, and the bins of each feature in the latest one that was compared."""
    scores, latest = watch.baseline.scores, watch.latest
    expected = expected_quality(np.array(scores.counts, np.float64), np.array(scores.sums))
    return {
        "model_name": card.name,
        "model_version": card.version,
        "state": latest.state.name if latest else TOO_FEW,
        "alerts": sorted(watch.alerts),
        "score_alert": watch.score_alert,
        "baseline": {"rows": watch.baseline.rows, "expected": expected_document(expected)},
        "windows": [_window(watch, one) for one in watch.windows],
        "features": list(_features(card, watch, latest)),
    }


def _window(watch: Watch, one: Window | ComparedWindow) -> dict[str, Any]:
    window = one.window if isinstance(one, ComparedWindow) else one
    about = {"start": window.start, "end": window.end, "rows": window.counted.rows, "open": window.open}
    if not isinstance(one, ComparedWindow):
        return about | {"state": TOO_FEW}
    features = zip(watch.baseline.features, one.features, strict=True)
    return about | {
        "state": one.state.name,
        "scores": _drift(one.scores),
        "expected": expected_document(one.expected),
        "features": [{"feature": baseline.feature, **_compared(compared)} for baseline, compared in features],
    }


def _compared(compared: ComparedFeature) -> dict[str, Any]:
    return _drift(compared.drift) | {"missing": compared.missing, "unseen": compared.unseen}


def _drift(drift: Drift) -> dict[str, Any]:
    return {"state": drift.state.name, "psi": drift.psi, "chi_square": drift.statistic}


def expected_document(expected: ExpectedQuality) -> dict[str, Any]:
    """What probabilities let one expect."""
    return {
        "roc_auc": expected.roc_auc,
        "roc_auc_band": None if expected.band is None else list(expected.band),
        "brier": expected.brier,
        "rate": expected.rate,
    }


def _features(card: Card, watch: Watch, latest: ComparedWindow | None) -> Iterator[dict[str, Any]]:
    features = {feature.name: feature for feature in card.signature.features}
    for position, baseline in enumerate(watch.baseline.features):
        compared = latest.features[position] if latest else None
        feature = features[baseline.feature]
        yield {
            "feature": baseline.feature,
            **({} if feature.reference is None else {"reference": feature.reference}),
            "state": compared.drift.state.name if compared else TOO_FEW,
            "alert": baseline.feature in watch.alerts,
            "critical": baseline.critical,
            "bins": _bins(feature, baseline, compared),
        }


def _bins(feature: Feature, baseline: FeatureBaseline, compared: ComparedFeature | None) -> list[dict[str, Any]]:
    """What each bin is, and its share of the rows in training and in the window."""
    before = np.array(baseline.counts) / max(1, sum(baseline.counts))
    after = [None] * baseline.bins if compared is None else (compared.counts / compared.counts.sum()).tolist()
    return [
        {**kind, "before": share, "after": now}
        for kind, share, now in zip(_kinds(feature, baseline), before.tolist(), after, strict=True)
    ]


def _kinds(feature: Feature, baseline: FeatureBaseline) -> Iterator[dict[str, Any]]:
    """Bins in the order of the counts. A text without listed choices is not named: it may be a customer's."""
    if baseline.choices is not None:
        for choice in baseline.choices:
            yield {"kind": "category"} | ({"category": choice} if feature.choices is not None else {})
        yield from ({"kind": "others"}, {"kind": "unseen"})
    elif feature.type == "boolean":
        true, false = map(str, feature.labels or ("true", "false"))
        yield from ({"kind": "category", "category": label} for label in (false, true))
    else:
        edges = baseline.edges or ()
        for lower, upper in zip((None, *edges), (*edges, None), strict=True):
            bounds = {"lower": lower, "upper": upper}
            yield {"kind": "range"} | {name: bound for name, bound in bounds.items() if bound is not None}
    yield {"kind": "missing"}
