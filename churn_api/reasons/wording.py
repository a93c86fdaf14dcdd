"""Reasons in words: what a record says, and whether that raises or lowers the model's probability.

The words are about the model and claim no causes.
"""

import math
from collections.abc import Sequence
from datetime import date

from churn_api.contract.dates import day_of
from churn_api.contract.feature_attributes import FeatureAttributes
from churn_api.contract.signature import Feature, Signature
from churn_api.reasons.catalogue import Catalogue
from churn_api.reasons.feature_values import Value
from churn_api.reasons.players import Player
from churn_api.reasons.what_if import Change

_MAX_SHOWN = 64
"""Characters of a value in a text."""
_HUGE = 1e15


class Wording:
    """Writes the reasons of one signature in one language."""

    def __init__(self, signature: Signature, catalogue: Catalogue) -> None:
        self._features = signature.features
        self._catalogue = catalogue

    def text(self, player: Player, values: Sequence[Value], contribution: float) -> str:
        """One reason. `values` are those of the player's features."""
        words, sign = self._catalogue, (contribution > 0) - (contribution < 0)
        if len(values) == 1 and sign and (own := self._own_text(self._features[player.features[0]], values[0], sign)):
            return own
        pairs = zip(player.features, values, strict=True)
        facts = [self._fact(self._features[position], value) for position, value in pairs]
        fact = facts[0] if len(facts) == 1 else words.together.format(facts=", ".join(facts))
        return (words.neutral, words.raises, words.lowers)[sign].format(fact=fact)

    def what_if(self, changes: Sequence[Change], probability: float) -> str:
        """What the model answers if a record is changed."""
        words = self._catalogue
        listed = [
            words.change.format(label=feature.label or feature.name, value=self._shown(feature, value))
            for feature, value in ((self._features[change.feature], change.value) for change in changes)
        ]
        percent = words.number(100 * probability, ".1f")
        return words.what_if.format(changes=", ".join(listed), percent=percent)

    def _own_text(self, feature: Feature, value: Value, sign: int) -> str | None:
        """The text of the signature; None where it has none, or the value is missing."""
        if feature.texts is None or value is None:
            return None
        text = feature.texts.raises if sign > 0 else feature.texts.lowers
        return text.replace("{value}", f"{self._shown(feature, value)} {feature.unit}".strip())

    def _fact(self, feature: Feature, value: Value) -> str:
        words, label = self._catalogue, feature.label or feature.name
        if value is None:
            return words.missing.format(label=label)
        if feature.open and value not in (feature.choices or ()):
            return words.unseen.format(label=label)
        if feature.unit:
            label = words.label_with_unit.format(label=label, unit=feature.unit)
        shown = self._shown(feature, value)
        typical = _typical(feature)
        if typical is None:
            return words.is_.format(label=label, value=shown)
        return words.is_with_typical.format(label=label, value=shown, typical=self._shown(feature, typical))

    def _shown(self, feature: FeatureAttributes, value: Value) -> str:
        words = self._catalogue
        if isinstance(value, bool):
            return words.true if value else words.false
        if isinstance(value, int | float) and feature.measured:
            return words.number(value, _form(value))
        return str(value)[:_MAX_SHOWN]


def _typical(feature: Feature) -> Value:
    """The median of a number or a date; None where there is none."""
    seen = feature.observed
    if seen is None or seen.median is None:
        return None
    if feature.reference is not None:
        return str(day_of(seen.median, date.fromisoformat(feature.reference)))
    return seen.median


def _form(value: float) -> str:
    """Whole numbers as they are, others with two decimals, small and huge ones with three digits: 1,234.50, 0.00123."""
    if not 1 <= abs(value) < _HUGE:
        return ".3g"
    return ",.0f" if value == math.floor(value) else ",.2f"
