"""The sheet of charts as a PNG, by resvg, which the extra `report` installs."""

import math
from functools import cache

from churn_api.reports.page import ReportedVersion
from churn_api.reports.sheet import styled_sheet
from churn_api.reports.styles import picture_style

MAX_PIXELS = 8_000_000
"""A picture has at most so many, which take 32 MB while it is drawn."""
_SHARPNESS = 2.0
"""Pixels a unit, where the sheet is small enough."""
_EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
_LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9" font-family="sans-serif">M</text></svg>'
)
_FAMILIES = ("Liberation Sans", "DejaVu Sans", "Noto Sans", "Arial", "Helvetica", "Open Sans", "Roboto", "Ubuntu")
"""The style's `sans-serif` is the first of these that is installed: resvg does not look for one itself."""


class PictureError(Exception):
    """No picture can be drawn here. The text says what to install."""


def png_sheet(version: ReportedVersion, against: ReportedVersion | None = None) -> bytes:
    """The charts of a version in two columns, as a PNG in light colours. Raises PictureError."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise PictureError("PNG needs the extra 'report': pip install 'churn-api[report]'") from error
    family = _installed_family()
    if family is None:
        raise PictureError(
            f"PNG needs one of the fonts {', '.join(_FAMILIES)}: install fonts-dejavu-core, for instance"
        )
    sheet = styled_sheet(version, against, picture_style())
    zoom = min(_SHARPNESS, math.sqrt(MAX_PIXELS / (sheet.width * sheet.height)))
    picture: bytes = svg_to_bytes(svg_string=sheet.document, zoom=zoom, sans_serif_family=family)
    return picture


@cache
def _installed_family() -> str | None:
    from resvg_py import svg_to_bytes

    empty = svg_to_bytes(svg_string=_EMPTY)
    drawn = (name for name in _FAMILIES if svg_to_bytes(svg_string=_LETTER, sans_serif_family=name) != empty)
    return next(drawn, None)
