"""The call list that a job is submitted with."""

from collections.abc import Mapping
from typing import Any

import msgspec

from churn_api.contract.faults import Fault
from churn_api.registry.model import Model
from churn_api.scoring.costs import Costs
from churn_api.serving.call_list_options import CallList
from churn_api.web.core.app_services import services
from churn_api.web.core.problems import body_errors, invalid
from churn_api.web.core.urls import route_template


def wanted_call_list(model: Model, members: Mapping[str, Any]) -> CallList | None:
    """The call list of a submission; None where it is for the scores of all customers.

    Raises Problem where the model has no costs, or what is sent contradicts itself.
    """
    wanted = members.get("call_list")
    if wanted is None:
        return None
    if members.get("threshold") is not None:
        raise _fault("conflict", "A call list has no threshold: the gain decides.", "threshold")
    in_force = services().catalog.costs(model.card.name)
    if in_force is None:
        how = f"PUT {route_template('model_costs.set_costs')} sets them."
        raise _fault("unusable", f"The model has no costs, from which a gain would follow. {how}", "call_list")
    others = {name: wanted.get(name) for name in ("capacity", "budget", "control_share")}
    return CallList(costs=_costs(in_force.costs, wanted.get("value_column"), model), policy=in_force.policy, **others)


def _costs(costs: Costs, value_column: str | None, model: Model) -> Costs:
    if value_column is None:
        return costs
    features = {feature.name: feature.type for feature in model.card.signature.features}
    if features.get(value_column, "number") not in ("integer", "number"):
        raise _fault("not-valid", "Must be a column of numbers.", "call_list", "value_column")
    return msgspec.structs.replace(costs, value=value_column, months=1.0, margin=1.0)


def _fault(code: str, message: str, *path: str) -> Exception:
    return invalid(body_errors([Fault(code, message, path=path)]))
