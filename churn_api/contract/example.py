"""Example records made from a signature, for the OpenAPI document and the startup banner."""

from datetime import date
from typing import Any

from churn_api.contract.dates import day_of
from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.signature import Feature, Signature


def example_record(signature: Signature, *, required_only: bool = False) -> dict[str, Any]:
    """A valid record: the middle of each observed range, the first choice of each category, and an identifier."""
    chosen = [feature for feature in signature.features if feature.required or not required_only]
    return {IDENTIFIER: "CUST001"} | {feature.name: example_value(feature) for feature in chosen}


def example_value(feature: Feature) -> Any:
    """A valid value of one feature."""
    if feature.choices:
        return feature.choices[0]
    match feature.type:
        case "boolean":
            return True
        case "date":
            return str(day_of(round(_middle(feature)), date.fromisoformat(str(feature.reference))))
        case "string":
            return "a"
        case "integer":
            return round(_middle(feature))
        case "number":
            return round(_middle(feature), 2)


def _middle(feature: Feature) -> float:
    """The middle of the observed range, clipped to the declared range."""
    seen = feature.observed
    middle = (seen.minimum + seen.maximum) / 2 if seen else 0.0
    low = middle if feature.minimum is None else max(middle, feature.minimum)
    return low if feature.maximum is None else min(low, feature.maximum)
