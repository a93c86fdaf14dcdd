"""What became of customers: routes that report it, and that declare until when it is complete."""

from datetime import date
from typing import Any

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from churn_api.access.caller import OUTCOMES
from churn_api.contract.faults import Fault
from churn_api.monitoring.outcome_record import latest_day
from churn_api.monitoring.outcome_store import Receipt, declare_complete, store
from churn_api.registry.card import Card
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.auth import actor
from churn_api.web.core.body import Members
from churn_api.web.core.operation import operation
from churn_api.web.core.problems import body_errors, invalid
from churn_api.web.core.rate_limits import charge_rows
from churn_api.web.core.request_record import current_request
from churn_api.web.v1.shared.outcome_input import describe_outcomes, read_outcomes
from churn_api.web.v1.shared.outcome_schemas import (
    MAX_POSITIONS,
    CompleteBodySchema,
    CompleteSchema,
    OddRowsSchema,
    OutcomesQuerySchema,
    ReceiptSchema,
)

blueprint = Blueprint("outcomes", __name__)

PROBLEMS = ("unknown-model", "other-kind-of-model", "model-not-ready")


@blueprint.post("/outcomes")
@operation(
    "Outcomes",
    access=OUTCOMES,
    limit="batch",
    query=OutcomesQuerySchema,
    body=describe_outcomes,
    response=ReceiptSchema,
    problems=(*PROBLEMS, "malformed-table"),
    id="reportOutcomes",
)
def report(query: dict[str, Any]) -> ResponseReturnValue:
    """Report who left, and when: JSON, or a table of any format.

    A row names the customer as predictions did, or a prediction by its `request_id`. `left` takes the labels of the
    training table too. `contacted` says whether the company called the customer, `kept_by` what made a customer stay.
    Sending a row again changes nothing; another row for the same customer and day replaces it. The service keeps no
    identifier, only a key that stands for it.
    """
    card = _card(query)
    reported = read_outcomes(card.signature, services().monitoring.customer_keys)
    current_request().rows = len(reported)
    charge_rows(len(reported))
    receipt = store(services().database, card.name, reported, by=actor())
    return jsonify({"model_name": card.name} | _receipt(receipt))


@blueprint.post("/outcomes/complete")
@operation(
    "Outcomes",
    access=OUTCOMES,
    limit="management",
    query=OutcomesQuerySchema,
    body=CompleteBodySchema,
    response=CompleteSchema,
    problems=PROBLEMS,
    id="completeOutcomes",
)
def complete(query: dict[str, Any], body: Members) -> ResponseReturnValue:
    """Declare that everyone who left up to a day is reported.

    A customer of whom nothing was heard counts as loyal from then on, so do not declare what is not known yet.
    """
    until: date = body.values["until"]
    if until > latest_day():
        raise invalid(body_errors([Fault("too-large", "Must not be in the future.", path=("until",))]))
    name = _card(query).name
    declare_complete(services().database, name, until, by=actor())
    return jsonify({"model_name": name, "complete_until": until})


def _card(query: dict[str, Any]) -> Card:
    return live_models().files(query.get("model", current_app.config["DEFAULT_MODEL"])).card()


def _receipt(receipt: Receipt) -> dict[str, Any]:
    odd = {name: sorted(getattr(receipt, name)) for name in OddRowsSchema().fields}
    counts = {"received": receipt.received, "stored": receipt.stored, "unchanged": receipt.unchanged}
    positions = {name: found[:MAX_POSITIONS] for name, found in odd.items() if found}
    return counts | {name: len(found) for name, found in odd.items()} | {"positions": positions}
