"""Which attributes of a feature contradict each other."""

import math
from collections.abc import Iterator

from churn_api.contract.dates import MAX_DAYS, parse_day
from churn_api.contract.feature_attributes import FLOAT32_MAX, IDENTIFIER, MAX_NAME_LENGTH, FeatureAttributes, Label
from churn_api.contract.notation import notation_complaints
from churn_api.contract.presentation import (
    CONTROL_CHARACTERS,
    Actionable,
    factors_complaints,
    texts_complaints,
    words_complaints,
)


def feature_complaints(feature: FeatureAttributes) -> Iterator[str]:
    """What is wrong with the attributes of a feature, in words without its name and its values."""
    yield from _name_complaints(feature.name)
    yield from _range_complaints(feature)
    yield from _choice_complaints(feature)
    yield from _label_complaints(feature)
    yield from _date_complaints(feature)
    yield from _observed_complaints(feature)
    if feature.notation is not None:
        yield from notation_complaints(feature.notation)
    if feature.outside == "refuse" and (feature.observed is None or feature.type not in ("integer", "number")):
        yield 'outside "refuse" needs a number with an observed range'
    if feature.max_length < 1:
        yield "max_length must be at least 1"
    yield from words_complaints({"label": feature.label, "unit": feature.unit, "group": feature.group})
    if feature.texts is not None:
        yield from texts_complaints(feature.texts)
    if feature.actionable is not None:
        yield from _actionable_complaints(feature, feature.actionable)


def _name_complaints(name: str) -> Iterator[str]:
    if not name.strip():
        yield "a name must not be blank"
    if len(name) > MAX_NAME_LENGTH:
        yield f"a name has at most {MAX_NAME_LENGTH} characters"
    if CONTROL_CHARACTERS.search(name):
        yield "a name holds no control characters"
    if name == IDENTIFIER:
        yield "the name is reserved"


def _range_complaints(feature: FeatureAttributes) -> Iterator[str]:
    low, high = feature.minimum, feature.maximum
    bounds = [bound for bound in (low, high) if bound is not None]
    if bounds and feature.type not in ("integer", "number"):
        yield f"a {feature.type} has no minimum or maximum"
    if not all(math.isfinite(bound) and abs(bound) <= FLOAT32_MAX for bound in bounds):
        yield "minimum and maximum must be numbers that float32 can hold"
    if low is not None and high is not None and low > high:
        yield "minimum is above maximum"


def _choice_complaints(feature: FeatureAttributes) -> Iterator[str]:
    choices = feature.choices
    if choices is None:
        if feature.open:
            yield 'unseen "accept" needs choices'
        return
    if not choices:
        yield "choices must not be empty"
    if len(set(choices)) < len(choices):
        yield "a choice is listed twice"
    if feature.type in ("boolean", "date"):
        yield f"a {feature.type} has no choices"
    if not all(_is_of_type(choice, feature) for choice in choices):
        yield f"every choice must be a valid {feature.type}"


def _label_complaints(feature: FeatureAttributes) -> Iterator[str]:
    labels = feature.labels
    if labels is None:
        return
    if feature.type != "boolean":
        yield f"a {feature.type} has no labels"
    texts = [label for label in labels if isinstance(label, str)]
    if len(texts) == 1 or (not texts and labels != (1, 0)):
        yield "labels are two texts, or 1 and 0"
    if any(not text.strip() or len(text) > feature.max_length for text in texts):
        yield f"a label has 1 to {feature.max_length} characters"
    if any(map(_is_number, texts)):
        # A column of numbers is built faster if no text in it can be mistaken for one.
        yield "a label that reads as a number must be one"
    if texts and labels[0] == labels[1]:
        yield "its two labels are the same"


def _date_complaints(feature: FeatureAttributes) -> Iterator[str]:
    if feature.type != "date":
        if feature.reference is not None:
            yield f"a {feature.type} has no reference date"
    elif parse_day(feature.reference or "") is None:
        yield "a date needs a reference date, such as 2026-01-31"


def _observed_complaints(feature: FeatureAttributes) -> Iterator[str]:
    seen = feature.observed
    if seen is None:
        return
    if not (math.isfinite(seen.minimum) and math.isfinite(seen.maximum) and seen.minimum <= seen.maximum):
        yield "the observed minimum is above the maximum, or one of them is no number"
    elif feature.type == "date" and not (seen.minimum >= -MAX_DAYS and seen.maximum <= MAX_DAYS):
        yield "the observed range reaches beyond the calendar"


def _actionable_complaints(feature: FeatureAttributes, actionable: Actionable) -> Iterator[str]:
    yield from factors_complaints(actionable, is_number=feature.type in ("integer", "number"))
    if not all(_is_valid(value, feature) for value in actionable.values):
        yield "each value of actionable must be one that a record may have"


def _is_valid(value: Label | float, feature: FeatureAttributes) -> bool:
    """Whether a record may have a value."""
    if feature.type == "boolean":
        return isinstance(value, bool) or value in (feature.labels or ())
    if feature.type == "date":
        return isinstance(value, str) and parse_day(value) is not None
    low, high = (bound if bound is not None else 0 for bound in (feature.minimum, feature.maximum))
    in_range = isinstance(value, str) or (
        (feature.minimum is None or value >= low) and (feature.maximum is None or value <= high)
    )
    return (
        _is_of_type(value, feature)
        and in_range
        and (feature.choices is None or feature.open or value in feature.choices)
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_of_type(choice: str | float, feature: FeatureAttributes) -> bool:
    if isinstance(choice, str):
        return feature.type == "string" and 0 < len(choice) <= feature.max_length
    if isinstance(choice, bool) or feature.type == "string":
        return False
    return math.isfinite(choice) and (feature.type == "number" or choice == int(choice))
