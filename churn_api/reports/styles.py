"""The style sheets of a report: of the page, of the sheet of charts, and of a picture in fixed colours."""

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_ROOT = re.compile(r":root \{([^}]*)\}")
_PROPERTY = re.compile(r"(--[a-z]+): ([^;]+);")
_USE = re.compile(r"var\((--[a-z]+)\)")


@cache
def page_style() -> str:
    """The style of the page."""
    return _read("charts.css") + _read("page.css")


@cache
def sheet_style() -> str:
    """The style of the sheet of charts, which follows the reader's colour scheme."""
    return _read("charts.css") + _read("sheet.css")


@cache
def picture_style() -> str:
    """The style of the sheet in its light colours, for a renderer that knows no custom properties."""
    style = sheet_style()
    colours = dict(_PROPERTY.findall(_ROOT.findall(style)[0]))
    plain = "".join(_ROOT.sub("", rule) for rule in _rules(style) if not rule.startswith("@media"))
    return _USE.sub(lambda use: colours[use[1]], plain)


def _rules(style: str) -> list[str]:
    """The rules at the top of a style sheet; a rule of media is one, with the rules in it."""
    rules, depth, start = [], 0, 0
    for position, character in enumerate(style):
        depth += (character == "{") - (character == "}")
        if character == "}" and depth == 0:
            rules.append(style[start : position + 1].strip())
            start = position + 1
    return rules


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
