"""A chart of lines and dots over two axes, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from churn_api.reports.markup import element, percent, text

WIDTH, HEIGHT = 420, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 48, 44
_TICKS = 5
_LIMITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)

Legend = Sequence[tuple[str, str]]
"""The class and the words of each line."""


def nice_limit(value: float) -> float:
    """The upper end of an axis of shares: a number whose fifths are short, not below `value`."""
    return next((limit for limit in _LIMITS if value <= limit), 1.0)


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The axes of a chart of shares, both from 0."""

    title: str
    x_label: str
    y_label: str
    x_limit: float = 1.0
    y_limit: float = 1.0

    def line(self, x: Sequence[float], y: Sequence[float], class_: str) -> str:
        """A line through points."""
        points = " ".join(f"{self._x(a):.1f},{self._y(b):.1f}" for a, b in zip(x, y, strict=True))
        return element("polyline", points=points, class_=class_)

    def dots(self, x: Sequence[float], y: Sequence[float], class_: str) -> str:
        """A dot for each point."""
        return "".join(
            element("circle", cx=f"{self._x(a):.1f}", cy=f"{self._y(b):.1f}", r=4, class_=class_)
            for a, b in zip(x, y, strict=True)
        )

    def vertical(self, x: float, words: str) -> str:
        """A dashed vertical line with words at its upper end."""
        at = f"{self._x(x):.1f}"
        line = element("line", x1=at, x2=at, y1=_TOP, y2=HEIGHT - _BOTTOM, class_="guide")
        near_the_end = x > 0.7 * self.x_limit
        anchor, shift = ("end", -5) if near_the_end else ("start", 5)
        label = element(
            "text", text(words), x=f"{self._x(x) + shift:.1f}", y=_TOP + 12, class_="small", text_anchor=anchor
        )
        return line + label

    def draw(self, *marks: str, legend: Legend = ()) -> str:
        """The chart with these marks, as an SVG element."""
        return element(
            "svg",
            element("title", text(self.title)),
            element("text", text(self.title), x=0, y=16, class_="title"),
            *self._grid(),
            *_legend(legend),
            *marks,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            class_="chart",
        )

    def _x(self, value: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * value / self.x_limit

    def _y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / self.y_limit

    def _grid(self) -> list[str]:
        bottom, middle = HEIGHT - _BOTTOM, (HEIGHT - _BOTTOM + _TOP) / 2
        marks = []
        for tick in range(_TICKS + 1):
            x, y = self._x(self.x_limit * tick / _TICKS), self._y(self.y_limit * tick / _TICKS)
            marks += [
                element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"),
                element("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=_TOP, y2=bottom, class_="grid"),
                _tick(self.x_limit * tick / _TICKS, x, bottom + 15, "end" if tick == _TICKS else "middle"),
                _tick(self.y_limit * tick / _TICKS, _LEFT - 6, y + 4, "end"),
            ]
        x_label = element(
            "text",
            text(self.x_label),
            x=(_LEFT + WIDTH - _RIGHT) / 2,
            y=HEIGHT - 8,
            class_="small",
            text_anchor="middle",
        )
        y_label = element(
            "text",
            text(self.y_label),
            transform=f"translate(11 {middle}) rotate(-90)",
            class_="small",
            text_anchor="middle",
        )
        return [*marks, x_label, y_label]


def _tick(value: float, x: float, y: float, anchor: str) -> str:
    label = percent(value, 0 if round(100 * value, 6).is_integer() else 1)
    return element("text", label, x=f"{x:.1f}", y=f"{y:.1f}", class_="small", text_anchor=anchor)


def _legend(entries: Legend) -> list[str]:
    """The entries next to each other, below the title."""
    marks, x = [], _LEFT
    for class_, words in entries:
        marks.append(element("line", x1=x, x2=x + 20, y1=34, y2=34, class_=class_))
        marks.append(element("text", text(words), x=x + 26, y=38, class_="small"))
        x += 46 + round(6.4 * len(words))
    return marks
