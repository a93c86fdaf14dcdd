"""The reasons of one customer as a picture."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from churn_api.reasons.catalogue import catalogues
from churn_api.registry.model import Model
from churn_api.reports.reasons_chart import ReasonBar, reasons_chart
from churn_api.reports.styles import sheet_style
from churn_api.scoring.explanation import to_probability
from churn_api.serving.answer import ExplainedRecords
from churn_api.web.core.accept import accepted_types
from churn_api.web.core.language import response_language
from churn_api.web.core.problems import Problem
from churn_api.web.core.query import JSON, accepts_json_verbatim
from churn_api.web.core.request_record import current_request
from churn_api.web.v1.shared.styled_response import styled_response

SVG = "image/svg+xml"
PICTURE = {SVG: "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 640 250' width='640' height='250'>…</svg>"}


def wants_picture(query: Mapping[str, Any]) -> bool:
    """Whether the client prefers a picture to JSON. Raises Problem (406) without `reasons`, or where it takes none."""
    if accepts_json_verbatim(current_request().environ):
        return False
    accepted = accepted_types()
    best = accepted.best_match([JSON, SVG]) if accepted else JSON
    if best is None:
        raise Problem("not-acceptable", f"This route answers {JSON}, and with `reasons` {SVG}.")
    if best == SVG and "reasons" not in query:
        raise Problem("not-acceptable", f"{SVG} is the picture of reasons: ask for `?reasons=5`, or accept {JSON}.")
    return best == SVG


def reasons_picture(model: Model, identifier: str | int | None, explained: ExplainedRecords) -> Response:
    """The picture of the reasons of one customer, below its identifier, or the model's name where it has none."""
    language = response_language()
    words, scale = catalogues()[language], explained.explanation.scale
    (reasons,) = explained.written(language)
    bars = [
        ReasonBar(one.text, one.contribution, words.points.format(points=words.number(one.points, "+.1f")))
        for one in reasons.reasons
    ]
    if reasons.others:
        bars.append(ReasonBar(words.others, reasons.others))
    shares = (explained.explanation.probabilities[0], to_probability(reasons.base, scale))
    percent, average = (words.number(100 * share, ".1f") for share in shares)
    title = model.card.name if identifier is None else str(identifier)
    chart = reasons_chart(title, words.summary.format(percent=percent, average=average), bars)
    return styled_response(chart, SVG, sheet_style())
