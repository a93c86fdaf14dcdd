"""All charts of a report on one sheet, as one SVG file."""

import re
from collections.abc import Sequence

from churn_api.reports import charts
from churn_api.reports.charts import Evaluated
from churn_api.reports.markup import element, text
from churn_api.reports.page import STYLES, ReportedVersion

_WIDTH, _GAP, _TOP = 420, 32, 70
_HEIGHT = re.compile(r'viewBox="0 0 \d+ (\d+)"')


def svg_sheet(version: ReportedVersion, against: ReportedVersion | None = None) -> str:
    """The charts of a version in two columns, as one SVG document."""
    card, report = version
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
    return element(
        "svg",
        element("style", (STYLES / "charts.css").read_text()),
        element("rect", width=width, height=height, style="fill: var(--paper)"),
        element("text", text(title), x=_GAP, y=42, style="font: 600 20px system-ui, sans-serif; fill: var(--ink)"),
        *placed,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
    )


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
