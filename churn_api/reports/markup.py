"""Elements of SVG and HTML as text."""

import re
from html import escape

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, *content: str, **attributes: object) -> str:
    """An element around markup. `class_` is the attribute class; other underscores in names are hyphens."""
    written = "".join(f' {_name(name)}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{written}>{''.join(content)}</{tag}>"


def text(value: str) -> str:
    """Plain text as markup. Characters that XML does not have become replacement characters."""
    return escape(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value))


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage: 0.265 is "26.5 %"."""
    return f"{100 * share:.{digits}f}{NO_BREAK_SPACE}%"


def number(value: float) -> str:
    """A measured value with at most four significant digits, larger ones in full."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _name(name: str) -> str:
    return name.removesuffix("_").replace("_", "-")
