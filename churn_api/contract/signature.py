"""Signature: the input contract of a model. Validation, schemas and examples are derived from it."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Self

import msgspec

from churn_api.contract.feature_attributes import FeatureAttributes
from churn_api.contract.feature_consistency import feature_complaints
from churn_api.contract.presentation import MAX_CHANGES

TOLERATED_SHARE = 0.1
"""Of the observed range's width: so far beyond it a number is still taken for one like those that training saw."""
MAX_HORIZON_DAYS = 3660
UNBOUNDED = (-math.inf, math.inf)


class SignatureError(ValueError):
    """A signature that cannot be parsed or is inconsistent. `complaint` is the reason without names from it."""

    def __init__(self, message: str, complaint: str = "it contradicts itself") -> None:
        super().__init__(message)
        self.complaint = complaint


class Feature(FeatureAttributes, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a record. Raises SignatureError where its attributes are inconsistent."""

    def __post_init__(self) -> None:
        for complaint in feature_complaints(self):
            raise SignatureError(f"feature {self.name!r}: {complaint}", complaint)


def tolerated_range(feature: Feature) -> tuple[float, float]:
    """The observed range of a feature, widened by a tenth at both ends; unbounded where there is none."""
    seen = feature.observed
    if seen is None:
        return UNBOUNDED
    margin = (seen.maximum - seen.minimum) * TOLERATED_SHARE
    return seen.minimum - margin, seen.maximum + margin


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The column that a model predicts, and its two labels as text. Raises SignatureError where they are no target."""

    name: str
    positive: str
    negative: str
    horizon_days: int | None = None
    """Within how many days after the record was taken the customer leaves, where that is known."""

    def __post_init__(self) -> None:
        if self.horizon_days is not None and not 1 <= self.horizon_days <= MAX_HORIZON_DAYS:
            complaint = f"horizon_days is a whole number from 1 to {MAX_HORIZON_DAYS}"
            raise SignatureError(f"target {self.name!r}: {complaint}", complaint)
        if self.positive == self.negative:
            raise SignatureError(f"target {self.name!r}: its two labels are the same", "its two labels are the same")


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record's fields in order, its identifier and the target. Raises SignatureError where names clash."""

    features: tuple[Feature, ...]
    target: Target
    identifier: str | None = None

    def __post_init__(self) -> None:
        if not self.features:
            complaint = "a signature needs at least one feature"
            raise SignatureError(complaint, complaint)
        names = [feature.name for feature in self.features]
        for name, count in Counter(names).items():
            if count > 1:
                raise SignatureError(f"two features are named {name!r}", "two features have the same name")
        self._refuse_clashes(names)

    def _refuse_clashes(self, names: Sequence[str]) -> None:
        for other, role in ((self.identifier, "identifier"), (self.target.name, "target")):
            if other in names:
                raise SignatureError(f"{other!r} is both a feature and the {role}", f"a feature is the {role} too")
            if other is not None and not other.strip():
                complaint = f"the {role} needs a name"
                raise SignatureError(complaint, complaint)
        changes = [one.actionable for one in self.features if one.actionable]
        if sum(len(one.values) + len(one.factors) for one in changes) > MAX_CHANGES:
            complaint = f"actionable has at most {MAX_CHANGES} values and factors in all features together"
            raise SignatureError(complaint, complaint)
        for feature in self.features:
            if feature.group in names:
                raise SignatureError(f"{feature.group!r} is both a feature and a group", "a group is a feature too")

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Parse a signature. Raises SignatureError with the position of the error."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SignatureError(str(error)) from error

    def to_json(self) -> bytes:
        """The signature as indented JSON, readable and editable by hand."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)
