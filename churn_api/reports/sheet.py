"""All charts of a report on one sheet, as one SVG file."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from churn_api.reports import charts
from churn_api.reports.charts import Evaluated
from churn_api.reports.markup import element, text
from churn_api.reports.page import ReportedVersion
from churn_api.reports.styles import sheet_style

_WIDTH, _GAP, _TOP = 420, 32, 70
_HEIGHT = re.compile(r'viewBox="0 0 \d+ (\d+)"')


def svg_sheet(version: ReportedVersion, against: ReportedVersion | None = None) -> str:
    """The charts of a version in two columns, as one SVG document that follows the reader's colour scheme."""
    return styled_sheet(version, against, sheet_style()).document


class Sheet(NamedTuple):
    """An SVG document, and its size in pixels."""

    document: str
    width: int
    height: int


def styled_sheet(version: ReportedVersion, against: ReportedVersion | None, style: str) -> Sheet:
    """The charts of a version in two columns, as one SVG document with a style sheet."""
    card, report, _ = version
    versions = [Evaluated(one.card.version, one.report) for one in (version, against) if one is not None]
    drawn = [
        charts.gains_chart(versions),
        charts.calibration_chart(versions),
        charts.roc_chart(versions),
        charts.precision_recall_chart(versions),
        charts.threshold_chart(report),
        *([charts.importance_chart(report)] if report.importance else []),
        *charts.effect_charts(report),
    ]
    placed, height = _placed(drawn)
    width = 2 * _WIDTH + 3 * _GAP
    title = f"{card.name}, version {card.version}: {report.rows:,} customers, {report.positives:,.0f} left"
    document = element(
        "svg",
        element("style", style),
        element("rect", width=width, height=height, class_="sheet-paper"),
        element("text", text(title), x=_GAP, y=42, class_="sheet-title"),
        *placed,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
    )
    return Sheet(document, width, height)


def _placed(drawn: Sequence[str]) -> tuple[list[str], int]:
    """Each chart in the shorter of two columns, and the height of the sheet."""
    bottoms = [_TOP, _TOP]
    placed = []
    for chart in drawn:
        column = bottoms.index(min(bottoms))
        height = _height(chart)
        x = _GAP + column * (_WIDTH + _GAP)
        placed.append(
            chart.replace("<svg ", f'<svg x="{x}" y="{bottoms[column]}" width="{_WIDTH}" height="{height}" ', 1)
        )
        bottoms[column] += height + _GAP
    return placed, max(bottoms)


def _height(chart: str) -> int:
    match = _HEIGHT.search(chart)
    return int(match[1]) if match else 0
