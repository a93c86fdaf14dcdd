"""The report as one HTML file: no script, nothing loaded from elsewhere, light and dark, printable."""

from collections.abc import Sequence
from typing import NamedTuple

from churn_api.registry.card import Card
from churn_api.registry.evaluation_report import EvaluationReport, OperatingPoint, Spread
from churn_api.registry.global_explanation import GlobalExplanation
from churn_api.registry.headline_metrics import METRICS
from churn_api.reports import charts, contribution_charts, words
from churn_api.reports.charts import Evaluated
from churn_api.reports.markup import element, percent, text
from churn_api.reports.styles import page_style


class ReportedVersion(NamedTuple):
    """A packaged version, and what was measured of it."""

    card: Card
    report: EvaluationReport
    explanation: GlobalExplanation | None = None


def html_page(version: ReportedVersion, against: ReportedVersion | None = None) -> str:
    """The report on a version, as a complete HTML document; `against` is a second version to compare it with."""
    card, report, explanation = version
    versions = [Evaluated(one.card.version, one.report) for one in (version, against) if one is not None]
    title = f"{card.name}, version {card.version}: how well it predicts churn"
    sections = (
        _head(card, report, title),
        _section("In short", _list(words.in_short(report), class_="short")),
        _method(report),
        _section("Metrics", _metrics(versions), _note(_spread_note(report))),
        _section("Curves", _charts(_curves(versions))),
        _section("What the threshold decides", _charts([charts.threshold_chart(report)]), _confusion(report)),
        _profit(versions),
        _explanation(explanation) if explanation else _importance(report),
        _effects(report),
        _remarks(card),
        _origin(card),
    )
    head = element(
        "head",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        element("title", text(title)),
        element("style", page_style()),
    )
    return "<!doctype html>\n" + element("html", head, element("body", element("main", *sections)), lang="en") + "\n"


def _head(card: Card, report: EvaluationReport, title: str) -> str:
    measured = (
        f"{report.rows:,} customers, of whom {report.positives:,.0f} ({percent(report.positives / report.rows)}) left. "
        f"{words.basis(report)}"
    )
    return element(
        "header",
        element("h1", text(title)),
        element("p", text(f"{words.predicts(card.signature.target)} Trained {card.created_at[:10]}."), class_="muted"),
        element("p", text(measured)),
    )


def _method(report: EvaluationReport) -> str:
    sentences = words.method(report)
    return _section("How it was evaluated", _list(sentences)) if sentences else ""


def _curves(versions: Sequence[Evaluated]) -> list[str]:
    return [
        charts.gains_chart(versions),
        charts.calibration_chart(versions),
        charts.roc_chart(versions),
        charts.precision_recall_chart(versions),
    ]


def _metrics(versions: Sequence[Evaluated]) -> str:
    meanings = words.meanings(versions[0].report)
    head = ["Metric", *(f"Version {found.version}" for found in versions), "What it means"]
    rows = [
        [METRICS[name].title, *(_spread(found.report.metrics[name]) for found in versions), meanings[name]]
        for name in METRICS
        if all(name in found.report.metrics for found in versions)
    ]
    return _table(head, rows, numbers=range(1, len(versions) + 1))


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.4f}" + (f" ± {spread.std:.4f}" if spread.std is not None else "")


def _spread_note(report: EvaluationReport) -> str:
    return "± is the standard deviation over the folds." if report.basis == "cross-validation" else ""


def _profit(versions: Sequence[Evaluated]) -> str:
    if any(found.report.outcomes is None or "empc" not in found.report.metrics for found in versions):
        return ""
    return _section("What calling gains", _note(words.PROFIT), _charts([charts.profit_chart(versions)]))


def _confusion(report: EvaluationReport) -> str:
    head = ["Threshold", "Flagged", "of whom churn", "Not flagged", "of whom churn", "Precision", "Recall"]
    own = words.own_point(report)
    return _table(
        head,
        [_confusion_row(point, report) for point in report.operating_points],
        numbers=range(len(head)),
        caption="Customers by threshold; the model's own is in bold.",
        own=report.operating_points.index(own),
    )


def _confusion_row(point: OperatingPoint, report: EvaluationReport) -> list[str]:
    flagged = point.true_positives + point.false_positives
    return [
        f"{point.threshold:.3f}",
        f"{flagged:,.0f}",
        f"{point.true_positives:,.0f}",
        f"{report.rows - flagged:,.0f}",
        f"{point.false_negatives:,.0f}",
        percent(point.true_positives / flagged) if flagged else "none",
        percent(point.true_positives / report.positives),
    ]


def _explanation(explanation: GlobalExplanation) -> str:
    drawn = [contribution_charts.importance_chart(explanation), *contribution_charts.contribution_charts(explanation)]
    return _section("What moves the model's predictions", _note(words.contributions(explanation)), _charts(drawn))


def _importance(report: EvaluationReport) -> str:
    if not report.importance:
        return ""
    note = "How much ROC-AUC falls where a feature's values are shuffled among the customers."
    return _section("Importance", _note(note), _charts([charts.importance_chart(report)]))


def _effects(report: EvaluationReport) -> str:
    if not report.effects:
        return ""
    note = (
        "The bar is the share of customers who left, the line across it the share that the model predicted. Features "
        "go together: a difference along one need not be caused by it. No group has fewer than ten customers."
    )
    return _section("Churn along each feature", _note(note), _charts(charts.effect_charts(report)))


def _remarks(card: Card) -> str:
    remarks = [remark.text for remark in card.training.remarks]
    return _section("What was assumed about the table", _list(remarks)) if remarks else ""


def _origin(card: Card) -> str:
    parts = [f"Model {card.name}, version {card.version}, packaged {card.created_at}, serves from {card.scorer}."]
    if card.training.sha256:
        parts.append(f"SHA-256 of the table: {card.training.sha256}.")
    parts.append(", ".join(f"{library} {version}" for library, version in card.libraries.items()) + ".")
    return element("footer", *(element("p", text(part)) for part in parts))


def _section(title: str, *content: str) -> str:
    return element("section", element("h2", text(title)), *content)


def _note(words_: str) -> str:
    return element("p", text(words_), class_="muted") if words_ else ""


def _list(items: Sequence[str], **attributes: str) -> str:
    return element("ul", *(element("li", text(item)) for item in items), **attributes)


def _charts(drawn: Sequence[str]) -> str:
    return element("div", *drawn, class_="charts")


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: range, caption: str = "", own: int | None = None
) -> str:
    """A table whose columns `numbers` are aligned right, and whose row `own` is in bold."""

    def cell(tag: str, index: int, content: str) -> str:
        return element(tag, text(content), **({"class_": "number"} if index in numbers else {}))

    def line(tag: str, cells: Sequence[str], **attributes: str) -> str:
        return element("tr", *(cell(tag, index, content) for index, content in enumerate(cells)), **attributes)

    classes = [{"class_": "own"} if index == own else {} for index in range(len(rows))]
    body = [line("td", row, **attributes) for row, attributes in zip(rows, classes, strict=True)]
    title = element("caption", text(caption)) if caption else ""
    return element("table", title, element("thead", line("th", head)), element("tbody", *body))
