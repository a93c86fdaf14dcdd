"""Reports the result of training: tables for people, JSON for scripts."""

import json
import sys
from typing import Any

import msgspec
from rich.box import SIMPLE
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from churn_api.registry.card import Card
from churn_api.registry.headline_metrics import METRICS, headline_metrics
from churn_api.training.train import TrainingResult

TITLES = {name: metric.title for name, metric in METRICS.items()}


def as_json(trained: TrainingResult) -> str:
    """The result as one JSON object."""
    card = trained.card
    summary = {
        "model": card.name,
        "version": card.version,
        "rows": card.training.rows,
        "base_rate": card.training.base_rate,
        "chosen": card.metrics["chosen"],
        "candidates": card.metrics["candidates"],
        "caps": card.metrics["caps"],
        "threshold": card.policy.threshold,
        "operating_point": card.metrics["threshold"],
        "holdout": card.metrics["holdout"],
        "warnings": [remark.text for remark in trained.remarks],
        "remarks": msgspec.to_builtins(trained.remarks),
    }
    return json.dumps(summary, indent=2)


def packaged_as_json(card: Card) -> str:
    """A packaged pipeline as one JSON object: what was measured, and whether it is compiled."""
    summary = {
        "model": card.name,
        "version": card.version,
        "scorer": card.scorer,
        "parity": msgspec.to_builtins(card.parity),
        "reasons": reasons_in_words(card),
        "threshold": card.policy.threshold,
        "metrics": headline_metrics(card),
        "remarks": msgspec.to_builtins(card.training.remarks),
    }
    return json.dumps(summary, indent=2)


def print_report(trained: TrainingResult) -> None:
    """Print the result as tables on stdout."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    card = trained.card
    for remark in trained.remarks:
        console.print(Text(remark.text), style="yellow")
    console.print(Group(_summary(card), _candidates(card), _importance(card)))


def _summary(card: Card) -> Table:
    threshold, calibration = card.metrics["threshold"], card.metrics["calibration"]
    table = Table(box=SIMPLE, show_header=False)
    table.add_row("model", f"{card.name}, version {card.version}")
    table.add_row("rows", f"{card.training.rows:,}")
    if card.signature.target.horizon_days:
        table.add_row("horizon", f"{card.signature.target.horizon_days:,} days")
    table.add_row("base rate", f"{card.training.base_rate:.1%}")
    if card.metrics["learning"]["sample_weight"]:
        table.add_row("sample weights", Text(f"column {card.metrics['learning']['sample_weight']!r}"))
    table.add_row("chosen", f"{card.metrics['chosen']}, calibrator: {calibration['method'] or 'none needed'}")
    table.add_row("reliability (ECE)", _spread(calibration["ece"]))
    table.add_row("threshold", f"{threshold['value']:.3f}, {_chosen_by(threshold, card)}")
    table.add_row("  there", _rates(threshold))
    if card.metrics["holdout"]:
        table.add_row("on the holdout", _holdout(card))
    table.add_row("risk bands", f"medium from {card.policy.medium_from:.3f}, high from {card.policy.high_from:.3f}")
    table.add_row("serves from", _serves_from(card))
    table.add_row("reasons", reasons_in_words(card))
    return table


def _chosen_by(threshold: dict[str, Any], card: Card) -> str:
    if threshold["chosen_by"] == "f1":
        return "the largest F1 out of fold"
    return f"which flags {threshold['flagged'] * (card.training.rows or 0):,.0f} of the rows out of fold"


def _rates(measured: dict[str, Any]) -> str:
    precision = "none" if measured["precision"] is None else f"{measured['precision']:.3f}"
    return f"precision {precision}, recall {measured['recall']:.3f}"


def _holdout(card: Card) -> str:
    holdout = card.metrics["holdout"]
    metrics = ", ".join(f"{TITLES[name]} {value:.4f}" for name, value in holdout["metrics"].items())
    return f"{holdout['rows']:,} rows, {metrics}; {_rates(holdout)}"


def reasons_in_words(card: Card) -> str:
    """How the contributions of features to a prediction are computed, or why they are not."""
    reasons = card.reasons
    if reasons is None or reasons.method == "none":
        return "none" if reasons is None else f"none: {reasons.why}"
    if reasons.method == "sampled":
        return f"estimated in {reasons.walks} orders of the features: {reasons.why}"
    return f"exact Shapley values against {reasons.background_rows:,} rows"


def _serves_from(card: Card) -> str:
    parity = card.parity
    if parity.proven:
        return f"ONNX, equal to scikit-learn within {parity.largest_difference:.1e} on {parity.rows:,} rows"
    return f"scikit-learn: {parity.reason}"


def _candidates(card: Card) -> Table:
    table = Table("candidate", *TITLES.values(), box=SIMPLE, title="5-fold cross-validation", title_justify="left")
    candidates: dict[str, Any] = card.metrics["candidates"]
    for name, summary in candidates.items():
        table.add_row(name, *(_spread(summary[metric]) for metric in TITLES))
    return table


def _importance(card: Card) -> Table:
    table = Table("feature", "ROC-AUC lost when shuffled", box=SIMPLE, title="Most important", title_justify="left")
    for name, lost in card.metrics["importance"].items():
        table.add_row(Text(name), f"{lost:.4f}")
    return table


def _spread(summary: dict[str, float]) -> str:
    return f"{summary['mean']:.4f} ± {summary['std']:.4f}"
