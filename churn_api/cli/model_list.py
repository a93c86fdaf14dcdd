"""What `churn-api models list` shows: every version with its state, its date and its metrics."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_api.registry.bundle import BundleError, read_any_card
from churn_api.registry.catalog import Entry
from churn_api.registry.headline_metrics import METRICS, headline_metrics
from churn_api.registry.tensor_card import TensorCard

HEAD = ["name", "version", "state", "created", "rows", *(metric.title for metric in METRICS.values())]


def list_models(
    models_dir: Path, known: Mapping[str, Entry], bundles: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """Each model of the catalogue and of the models folder, with its versions."""
    return [_model(models_dir, name, known.get(name), bundles.get(name, {})) for name in sorted({*known, *bundles})]


def rows(models: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each version, under HEAD."""
    return [_row(model, version) for model in models for version in [*model["versions"], *model["not_registered"]]]


def _model(models_dir: Path, name: str, entry: Entry | None, bundles: Mapping[str, str]) -> dict[str, Any]:
    registered = list(entry.digests) if entry else []
    return {
        "name": name,
        "live": entry.live if entry else None,
        "versions": registered,
        "not_registered": [version for version in bundles if version not in registered],
        "bundles": {version: _bundle(models_dir / name / version) for version in bundles},
    }


def _bundle(folder: Path) -> dict[str, Any]:
    try:
        card = read_any_card(folder)
    except BundleError as error:
        return {"error": str(error)}
    if isinstance(card, TensorCard):
        return {"created_at": card.created_at, "scorer": card.scorer, "kind": card.kind, "labels": len(card.labels)}
    return {
        "created_at": card.created_at,
        "rows": card.training.rows,
        "base_rate": card.training.base_rate,
        "scorer": card.scorer,
        "metrics": headline_metrics(card),
    }


def _row(model: dict[str, Any], version: str) -> list[str]:
    bundle = model["bundles"].get(version, {"error": "there are no files"})
    metrics = bundle.get("metrics", {})
    return [
        model["name"],
        version,
        _state(model, version) + (f", {bundle['error']}" if "error" in bundle else ""),
        bundle.get("created_at", "-")[:10],
        f"{bundle['rows']:,}" if bundle.get("rows") else "-",
        *(f"{metrics[name]:.4f}" if name in metrics else "-" for name in METRICS),
    ]


def _state(model: dict[str, Any], version: str) -> str:
    if version == model["live"]:
        return "live"
    return "registered" if version in model["versions"] else "not registered"
