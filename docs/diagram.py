"""Draw a diagram of rows of boxes: `python docs/diagram.py docs/architecture.txt docs/architecture.svg`."""

import sys
from html import escape
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

WIDTH, LABEL, GAP, PAD, LINE = 1000, 120, 10, 8, 15
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2933}.title{font-size:14px}.name{font-weight:600}"
    ".group,.arrow{fill:#52606d}rect{fill:#f0f4f8;stroke:#9fb3c8}.back{fill:#fff;stroke:none}path{fill:#52606d}"
)


class Drawn(NamedTuple):
    """Elements of a row, and its height."""

    elements: list[str]
    height: int


def text(x: float, y: float, content: str, kind: str) -> str:
    """A line of text."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(content, quote=False)}</text>'


def draw_arrow(label: str, top: int) -> Drawn:
    """An arrow downwards, with what is handed on."""
    middle = LABEL + 12
    head = f'<path d="M{middle - 5} {top + 8}h10l-5 8z"/>'
    return Drawn([head, text(middle + 12, top + 16, label, "arrow")], 24)


def draw_boxes(line: str, top: int) -> Drawn:
    """The boxes of a row, side by side in the width that there is."""
    boxes = [box.strip().partition(": ") for box in line.split("|")]
    width = (WIDTH - LABEL - GAP * len(boxes)) / len(boxes)
    texts = [wrap(what, int((width - 2 * PAD) / 6.4)) for _, _, what in boxes]
    height = 2 * PAD + LINE * (1 + max(map(len, texts)))
    elements = []
    for index, ((name, _, _), lines) in enumerate(zip(boxes, texts, strict=True)):
        x = LABEL + index * (width + GAP)
        elements.append(f'<rect x="{x:g}" y="{top}" width="{width:g}" height="{height}" rx="4"/>')
        elements += [text(x + PAD, top + PAD + 11, name, "name")]
        elements += [text(x + PAD, top + PAD + 11 + LINE * row, what, "what") for row, what in enumerate(lines, 1)]
    return Drawn(elements, height + GAP)


def draw(source: str) -> str:
    """The SVG of a text: its title, then groups with their rows, and arrows."""
    title, *lines = [line for line in source.splitlines() if line and not line.startswith("#")]
    elements, top = [text(GAP, 24, title, "title")], 44
    for line in lines:
        if line.startswith(">"):
            drawn = draw_arrow(line[1:].strip(), top)
        elif line.startswith(" "):
            drawn = draw_boxes(line, top)
        else:
            drawn = Drawn([text(GAP, top + PAD + 11, line, "group")], 0)
        elements += drawn.elements
        top += drawn.height
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img">'
    back = f'<rect class="back" width="{WIDTH}" height="{top}"/>'
    return "\n".join([opening, f"<title>{escape(title)}</title><style>{STYLE}</style>", back, *elements, "</svg>\n"])


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(Path(sys.argv[1]).read_text(encoding="utf-8")), encoding="utf-8")
