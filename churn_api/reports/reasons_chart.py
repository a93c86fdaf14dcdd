"""The chart of one customer's reasons, as one SVG file: bars to the right raise the probability, others lower it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from churn_api.reports.markup import element, percent, text

_WIDTH, _ROW, _TOP = 640, 44, 74
_LEFT, _NOTE = 24, 96
_MIDDLE = _LEFT + (_WIDTH - 2 * _LEFT - _NOTE) // 2
_HALF = _MIDDLE - _LEFT
_TEXT_CHARACTERS = 90
_STYLES = Path(__file__).parent / "charts.css"


class ReasonBar(NamedTuple):
    """One reason. `points` are percentage points by which it moves the probability; None where they are not known."""

    text: str
    contribution: float
    points: float | None = None


def reasons_chart(title: str, average: float, probability: float, bars: Sequence[ReasonBar]) -> str:
    """The reasons of a customer, whose probability is given, as is the one of the average customer."""
    limit = max((abs(bar.contribution) for bar in bars), default=0.0) or 1.0
    height = _TOP + _ROW * len(bars) + 12
    summary = f"{percent(probability)} for this customer, {percent(average)} on average"
    return element(
        "svg",
        element("title", text(f"{title}: {summary}")),
        element("style", _STYLES.read_text()),
        element("rect", width=_WIDTH, height=height, style="fill: var(--paper)"),
        element("text", text(title), x=_LEFT, y=30, class_="title"),
        element("text", text(summary), x=_LEFT, y=50),
        *(_bar(bar, _TOP + _ROW * index, limit) for index, bar in enumerate(bars)),
        element("line", x1=_MIDDLE, x2=_MIDDLE, y1=_TOP - 6, y2=height - 8, class_="grid"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height}",
        width=_WIDTH,
        height=height,
        role="img",
        class_="chart",
    )


def _bar(bar: ReasonBar, y: int, limit: float) -> str:
    length = _HALF * abs(bar.contribution) / limit
    raises = bar.contribution > 0
    start = _MIDDLE if raises else _MIDDLE - length
    note = "" if bar.points is None else f"{bar.points:+.1f} points"
    shown = bar.text if len(bar.text) <= _TEXT_CHARACTERS else bar.text[: _TEXT_CHARACTERS - 1] + "…"
    return element(
        "g",
        element("title", text(f"{bar.text} {note}".strip())),
        element("text", text(shown), x=_LEFT, y=y + 12, class_="small"),
        element(
            "rect",
            x=f"{start:.1f}",
            y=y + 18,
            width=f"{length:.1f}",
            height=14,
            class_="bar raises" if raises else "bar lowers",
        ),
        element("text", text(note), x=_WIDTH - _LEFT, y=y + 30, class_="small", text_anchor="end"),
    )
