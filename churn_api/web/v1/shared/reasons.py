"""Reasons of predictions in the form that version 1 of the API returns them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from churn_api.contract.faults import Fault
from churn_api.registry.model import Model
from churn_api.registry.model_errors import NoReasons
from churn_api.serving.answer import ExplainedRecords
from churn_api.web.core.language import response_language
from churn_api.web.core.problems import invalid, query_errors


def wanted_reasons(model: Model, query: Mapping[str, Any]) -> int:
    """How many reasons a query asks for; 0 for none. Raises Problem where the model gives none."""
    count: int = query.get("reasons", 0)
    if count:
        try:
            model.explainer()
        except NoReasons as error:
            message = "This version of the model gives no reasons."
            raise invalid(query_errors([Fault("no-reasons", message, f"{error}.", ("reasons",))])) from error
    return count


def as_members(model: Model, explained: ExplainedRecords) -> dict[str, Any]:
    """The members for reasons in a response with one prediction.

    The total has the name of its scale: `log_odds`, or `probability`.
    """
    (reasons,) = explained.written(response_language())
    return {
        "reasons": list(map(msgspec.structs.asdict, reasons.reasons)),
        "others": reasons.others,
        "base": reasons.base,
        explained.explanation.scale: reasons.score,
        "reasons_method": model.explainer().proof.method,
    }
