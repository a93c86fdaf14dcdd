"""The chart of one customer's reasons, as one SVG file: bars to the right raise the probability, others lower it."""

from collections.abc import Sequence
from typing import NamedTuple

from churn_api.reports.markup import element, text
from churn_api.reports.styles import sheet_style

_WIDTH, _ROW, _TOP = 640, 44, 74
_LEFT, _NOTE = 24, 96
_MIDDLE = _LEFT + (_WIDTH - 2 * _LEFT - _NOTE) // 2
_HALF = _MIDDLE - _LEFT
_TEXT_CHARACTERS = 108


class ReasonBar(NamedTuple):
    """One reason: its text, how long its bar is and to which side, and a note next to it."""

    text: str
    contribution: float
    note: str = ""


def reasons_chart(title: str, summary: str, bars: Sequence[ReasonBar]) -> str:
    """The reasons of a customer below a title and a sentence."""
    limit = max((abs(bar.contribution) for bar in bars), default=0.0) or 1.0
    height = _TOP + _ROW * len(bars) + 12
    return element(
        "svg",
        element("title", text(f"{title}: {summary}")),
        element("style", sheet_style()),
        element("rect", width=_WIDTH, height=height, class_="sheet-paper"),
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
    shown = bar.text if len(bar.text) <= _TEXT_CHARACTERS else bar.text[: _TEXT_CHARACTERS - 1] + "…"
    return element(
        "g",
        element("title", text(f"{bar.text} {bar.note}".strip())),
        element("text", text(shown), x=_LEFT, y=y + 12, class_="small"),
        element(
            "rect",
            x=f"{start:.1f}",
            y=y + 18,
            width=f"{length:.1f}",
            height=14,
            class_="bar raises" if raises else "bar lowers",
        ),
        element("text", text(bar.note), x=_WIDTH - _LEFT, y=y + 30, class_="small", text_anchor="end"),
    )
