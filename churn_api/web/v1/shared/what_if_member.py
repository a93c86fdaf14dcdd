"""What would lower a prediction, in the form that version 1 of the API returns it."""

from typing import Any

from churn_api.contract.columns import Columns
from churn_api.reasons.catalogue import catalogues
from churn_api.reasons.what_if import Variant, WhatIf
from churn_api.reasons.wording import Wording
from churn_api.registry.model import Model
from churn_api.web.core.language import response_language

_POINT_DECIMALS = 2


def what_if_member(model: Model, record: Columns, probability: float, count: int) -> list[dict[str, Any]]:
    """The changes of actionable features that lower the probability of one record most, at most `count`."""
    signature = model.card.signature
    variants = WhatIf(signature).lowering(record, probability, model.score, count)
    wording = Wording(signature, catalogues()[response_language()])
    return [_as_json(variant, probability, model, wording) for variant in variants]


def _as_json(variant: Variant, probability: float, model: Model, wording: Wording) -> dict[str, Any]:
    features = model.card.signature.features
    return {
        "changes": [{"feature": features[change.feature].name, "value": change.value} for change in variant.changes],
        "probability": variant.probability,
        "points": round(100 * (variant.probability - probability), _POINT_DECIMALS),
        "text": wording.what_if(variant.changes, variant.probability),
    }
