"""A chart of horizontal bars with a label and a note each, as SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from churn_api.reports.markup import element, text

WIDTH = 420
_LABEL, _NOTE = 160, 100
_ROW, _TOP = 21, 26
_LABEL_CHARACTERS = 25


class Bar(NamedTuple):
    """A bar. `mark` is where a line crosses it, such as an expected value."""

    label: str
    value: float
    note: str
    mark: float | None = None


def bar_chart(title: str, bars: Sequence[Bar], limit: float) -> str:
    """Bars from 0 to `limit`, as an SVG element."""
    height = bar_chart_height(len(bars))
    return element(
        "svg",
        element("title", text(title)),
        element("text", text(_shortened(title, 55)), x=0, y=14, class_="title"),
        *(_bar(bar, _TOP + _ROW * index, limit) for index, bar in enumerate(bars)),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        class_="chart",
    )


def bar_chart_height(bars: int) -> int:
    """The height of a chart of so many bars."""
    return _TOP + _ROW * bars + 4


def _bar(bar: Bar, y: int, limit: float) -> str:
    return element(
        "g",
        element("title", text(f"{bar.label}: {bar.note}")),
        element("text", text(_shortened(bar.label)), x=_LABEL - 8, y=y + 14, class_="small", text_anchor="end"),
        element("rect", x=_LABEL, y=y + 3, width=f"{_length(bar.value, limit):.1f}", height=_ROW - 7, class_="bar"),
        _mark(bar.mark, y, limit) if bar.mark is not None else "",
        element("text", text(bar.note), x=WIDTH - 2, y=y + 14, class_="small", text_anchor="end"),
    )


def _mark(value: float, y: int, limit: float) -> str:
    x = f"{_LABEL + _length(value, limit):.1f}"
    return element("line", x1=x, x2=x, y1=y + 1, y2=y + _ROW - 2, class_="mark")


def _length(value: float, limit: float) -> float:
    return (WIDTH - _LABEL - _NOTE) * min(max(value / limit, 0.0), 1.0)


def _shortened(label: str, characters: int = _LABEL_CHARACTERS) -> str:
    return label if len(label) <= characters else label[: characters - 1] + "…"
