"""Reasons of predictions in the form that version 1 of the API returns them."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from churn_api.contract.faults import Fault
from churn_api.registry.model import Model
from churn_api.registry.model_errors import NoReasons
from churn_api.serving.answer import ExplainedRecords
from churn_api.web.core.language import response_language
from churn_api.web.core.problems import invalid, query_errors

Errors = Callable[[list[Fault]], list[dict[str, Any]]]


def wanted_reasons(model: Model, members: Mapping[str, Any], errors: Errors = query_errors) -> int:
    """How many reasons a query or a body asks for; 0 for none. Raises Problem where the model gives none.

    `errors` says where the fault is: in the query, or in the body.
    """
    count: int = members.get("reasons", 0)
    if count:
        try:
            model.explainer()
        except NoReasons as error:
            message = "This version of the model gives no reasons."
            raise invalid(errors([Fault("no-reasons", message, f"{error}.", ("reasons",))])) from error
    return count


def shared_members(model: Model, explained: ExplainedRecords) -> dict[str, Any]:
    """The members for reasons that all predictions of a batch share."""
    return {"base": explained.strongest.base, "reasons_method": model.explainer().proof.method}


def as_columns(explained: ExplainedRecords) -> dict[str, list[Any]]:
    """The members for reasons of n predictions, each as a list; the total has the name of its scale."""
    written = explained.written(response_language())
    return {
        "reasons": [one.reasons for one in written],
        "others": [one.others for one in written],
        explained.explanation.scale: [one.score for one in written],
    }


def as_members(model: Model, explained: ExplainedRecords) -> dict[str, Any]:
    """The members for reasons in a response with one prediction.

    The total has the name of its scale: `log_odds`, or `probability`.
    """
    (reasons,) = explained.written(response_language())
    return {
        "reasons": list(map(msgspec.structs.asdict, reasons.reasons)),
        "others": reasons.others,
        explained.explanation.scale: reasons.score,
        "base": reasons.base,
        "reasons_method": model.explainer().proof.method,
    }
