"""The costs of a model as JSON."""

from typing import Any

import msgspec

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.monitoring.call_effect import effect_document
from churn_api.monitoring.call_effect_reader import measured_effect
from churn_api.registry.card import Card
from churn_api.registry.decision import CostsInForce, NoValueFeature, decision_of, value_position
from churn_api.scoring.costs import Costs
from churn_api.web.core.app_services import live_models, services
from churn_api.web.core.problems import body_errors, invalid

MAX_HISTORY = 20


def costs_document(model: str) -> dict[str, Any]:
    """The costs in force, what follows from them, and earlier ones. Raises UnknownModel, ModelNotReady or OtherKind."""
    card = live_models().files(model).card()
    versions = services().catalog.cost_versions(model, MAX_HISTORY)
    latest = versions[0] if versions else None
    in_force = CostsInForce(latest.policy, latest.costs) if latest and latest.costs else None
    # Not of this worker's model, which follows a moment later.
    decision = decision_of(card.signature, card.policy.threshold, in_force)
    return {
        "model_name": card.name,
        "model_version": card.version,
        "policy": in_force.policy if in_force else None,
        "costs": costs_json(in_force.costs) if in_force else None,
        "decides": decision.policy is not None,
        "threshold": decision.threshold,
        "measured": effect_document(measured_effect(services().database, model)),
        "history": [
            {"policy": one.policy, "costs": costs_json(one.costs) if one.costs else None, "set_at": one.set_at}
            for one in versions
        ],
    }


def costs_json(costs: Costs) -> dict[str, Any]:
    """Costs with their defaults."""
    return msgspec.structs.asdict(costs)


def costs_of(members: dict[str, Any], card: Card) -> Costs:
    """The costs in a valid body. Raises Problem where they make no sense together, or the model lacks their feature."""
    try:
        costs = Costs(**members)
        if isinstance(costs.value, str):
            value_position(card.signature, costs.value)
    except NoValueFeature:
        raise invalid(body_errors([_unknown_feature(members["value"], card)])) from None
    except ValueError as error:
        raise invalid(body_errors([Fault("not-valid", f"{error}.".capitalize(), path=("value",))])) from None
    return costs


def _unknown_feature(name: str, card: Card) -> Fault:
    amounts = [each.name for each in card.signature.features if each.type in ("integer", "number")]
    hint = did_you_mean(name, amounts) or f"Numeric features: {', '.join(amounts[:20])}."
    return Fault("unknown-feature", "The model has no numeric feature of this name.", hint, ("value",))
