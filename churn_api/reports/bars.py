"""A chart of horizontal bars with a label and a note each, as SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from churn_api.reports.markup import element, text

WIDTH = 420
_LABEL, _NOTE = 160, 100
_SPACE = WIDTH - _LABEL - _NOTE
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
    return _chart(title, [_bar(bar, _TOP + _ROW * index, limit) for index, bar in enumerate(bars)])


def diverging_chart(title: str, bars: Sequence[Bar], limit: float) -> str:
    """Bars from 0 to at most `limit` in either direction, as an SVG element."""
    middle = _LABEL + _SPACE // 2
    line = element("line", x1=middle, x2=middle, y1=_TOP, y2=bar_chart_height(len(bars)) - 4, class_="grid")
    rows = [_diverging_bar(bar, _TOP + _ROW * index, limit) for index, bar in enumerate(bars)]
    return _chart(title, rows, line)


def _chart(title: str, rows: Sequence[str], *more: str) -> str:
    return element(
        "svg",
        element("title", text(title)),
        element("text", text(_shortened(title, 55)), x=0, y=14, class_="title"),
        *more,
        *rows,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {bar_chart_height(len(rows))}",
        role="img",
        class_="chart",
    )


def bar_chart_height(bars: int) -> int:
    """The height of a chart of so many bars."""
    return _TOP + _ROW * bars + 4


def _bar(bar: Bar, y: int, limit: float) -> str:
    drawn = element("rect", x=_LABEL, y=y + 3, width=f"{_length(bar.value, limit):.1f}", height=_ROW - 7, class_="bar")
    return _row(bar, y, drawn, _mark(bar.mark, y, limit) if bar.mark is not None else "")


def _diverging_bar(bar: Bar, y: int, limit: float) -> str:
    length = _length(abs(bar.value), limit) / 2
    raises = bar.value > 0
    x = _LABEL + _SPACE / 2 - (0 if raises else length)
    class_ = "bar raises" if raises else "bar lowers"
    return _row(bar, y, element("rect", x=f"{x:.1f}", y=y + 3, width=f"{length:.1f}", height=_ROW - 7, class_=class_))


def _row(bar: Bar, y: int, *drawn: str) -> str:
    return element(
        "g",
        element("title", text(f"{bar.label}: {bar.note}")),
        element("text", text(_shortened(bar.label)), x=_LABEL - 8, y=y + 14, class_="small", text_anchor="end"),
        *drawn,
        element("text", text(bar.note), x=WIDTH - 2, y=y + 14, class_="small", text_anchor="end"),
    )


def _mark(value: float, y: int, limit: float) -> str:
    x = f"{_LABEL + _length(value, limit):.1f}"
    return element("line", x1=x, x2=x, y1=y + 1, y2=y + _ROW - 2, class_="mark")


def _length(value: float, limit: float) -> float:
    return _SPACE * min(max(value / limit, 0.0), 1.0)


def _shortened(label: str, characters: int = _LABEL_CHARACTERS) -> str:
    return label if len(label) <= characters else label[: characters - 1] + "…"
