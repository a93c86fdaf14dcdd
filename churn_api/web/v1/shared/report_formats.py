"""A report in the media type that the client prefers."""

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Response

from churn_api.registry.evaluation_report import report_document
from churn_api.reports.page import ReportedVersion, html_page
from churn_api.reports.png import PictureError, png_sheet
from churn_api.reports.sheet import svg_sheet
from churn_api.reports.styles import page_style, sheet_style
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.problems import Problem
from churn_api.web.core.query import JSON
from churn_api.web.v1.shared.styled_response import styled_response

HTML, SVG, PNG = "text/html", "image/svg+xml", "image/png"
_FILES: dict[str, Callable[[ReportedVersion], str | bytes]] = {HTML: html_page, SVG: svg_sheet, PNG: png_sheet}
_STYLES = {HTML: page_style, SVG: sheet_style}
FILES = {
    HTML: "<!doctype html>\n<html lang='en'>…</html>\n",
    SVG: "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 936 2160' width='936' height='2160'>…</svg>",
    PNG: "The charts in light colours. It needs the extra `report` on the server; else the answer is a 406.",
}


def preferred_type() -> str:
    """The media type of a report that `Accept` prefers; JSON without a preference. Raises Problem (406)."""
    accepted = accepted_types()
    best = accepted.best_match([JSON, *FILES]) if accepted else JSON
    if best is None:
        raise Problem("not-acceptable", f"This route answers {', '.join((JSON, *FILES))}.")
    return best


def report_response(version: ReportedVersion, media_type: str) -> Response:
    """A report as a response. Raises Problem (406) for a PNG where none can be drawn."""
    content: Any
    if media_type == JSON:
        content = msgspec.json.encode(report_document(version.card, version.report))
    else:
        try:
            content = _FILES[media_type](version)
        except PictureError as error:
            raise Problem("not-acceptable", f"{error}. Or accept {SVG}.") from error
    if media_type in _STYLES:
        return styled_response(content, media_type, _STYLES[media_type]())
    response = Response(content, mimetype=media_type)
    response.vary.add("Accept")
    return response
