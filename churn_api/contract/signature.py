"""Signature: the input contract of a model. Validation, schemas and examples are derived from it."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal, Self

import msgspec

from churn_api.contract.dates import MAX_DAYS, parse_day
from churn_api.contract.notation import Notation, notation_complaints

FeatureType = Literal["integer", "number", "boolean", "string", "date"]
Label = str | int

IDENTIFIER = "customer_id"
"""The name of the identifier in every response; every client may send the identifier under it."""

MAX_NAME_LENGTH = 128
TOLERATED_SHARE = 0.1
"""Of the observed range's width: so far beyond it a number is still taken for one like those that training saw."""
UNBOUNDED = (-math.inf, math.inf)
FLOAT32_MAX = 3.4028234663852886e38
"""The largest float32. Models compute in float32, so larger numbers are rejected."""

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class SignatureError(ValueError):
    """A signature that cannot be parsed or is inconsistent. `complaint` is the reason without names from it."""

    def __init__(self, message: str, complaint: str = "it contradicts itself") -> None:
        super().__init__(message)
        self.complaint = complaint


class Observed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The range that training saw. It is enforced, with a margin, where a feature refuses what lies outside."""

    minimum: float
    maximum: float


class Feature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a record. Raises SignatureError where its attributes are inconsistent."""

    name: str
    type: FeatureType
    required: bool = False
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str | int | float, ...] | None = None
    unseen: Literal["refuse", "accept"] = "refuse"
    labels: tuple[Label, Label] | None = None
    """For a boolean: how its column wrote true and false in training. JSON accepts them too."""
    outside: Literal["warn", "refuse"] = "warn"
    """What happens to a number far outside the range that training saw."""
    reference: str | None = None
    """For a date: the day from which the model counts back."""
    max_length: int = 256
    description: str = ""
    notation: Notation | None = None
    """How tables write it, where training found another way than the plain one."""
    observed: Observed | None = None

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise SignatureError(f"feature {self.name!r}: {complaint}", complaint)

    @property
    def numeric(self) -> bool:
        """Whether the model takes the feature as a number; booleans become 0 and 1."""
        return self.type != "string"

    @property
    def measured(self) -> bool:
        """Whether its values are amounts: numbers, or the days of a date."""
        return self.type in ("integer", "number", "date")

    @property
    def open(self) -> bool:
        """Whether out-of-vocabulary categories are scored (with a warning) rather than rejected."""
        return self.unseen == "accept"


def tolerated_range(feature: Feature) -> tuple[float, float]:
    """The observed range of a feature, widened by a tenth at both ends; unbounded where there is none."""
    seen = feature.observed
    if seen is None:
        return UNBOUNDED
    margin = (seen.maximum - seen.minimum) * TOLERATED_SHARE
    return seen.minimum - margin, seen.maximum + margin


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column that a model predicts, and its two labels as text."""

    name: str
    positive: str
    negative: str

    def __post_init__(self) -> None:
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
        for other, role in ((self.identifier, "identifier"), (self.target.name, "target")):
            if other in names:
                raise SignatureError(f"{other!r} is both a feature and the {role}", f"a feature is the {role} too")
            if other is not None and not other.strip():
                complaint = f"the {role} needs a name"
                raise SignatureError(complaint, complaint)

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


def _complaints(feature: Feature) -> Iterator[str]:
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


def _name_complaints(name: str) -> Iterator[str]:
    if not name.strip():
        yield "a name must not be blank"
    if len(name) > MAX_NAME_LENGTH:
        yield f"a name has at most {MAX_NAME_LENGTH} characters"
    if _CONTROL_CHARACTERS.search(name):
        yield "a name holds no control characters"
    if name == IDENTIFIER:
        yield "the name is reserved"


def _range_complaints(feature: Feature) -> Iterator[str]:
    low, high = feature.minimum, feature.maximum
    bounds = [bound for bound in (low, high) if bound is not None]
    if bounds and feature.type not in ("integer", "number"):
        yield f"a {feature.type} has no minimum or maximum"
    if not all(math.isfinite(bound) and abs(bound) <= FLOAT32_MAX for bound in bounds):
        yield "minimum and maximum must be numbers that float32 can hold"
    if low is not None and high is not None and low > high:
        yield "minimum is above maximum"


def _choice_complaints(feature: Feature) -> Iterator[str]:
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


def _label_complaints(feature: Feature) -> Iterator[str]:
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


def _date_complaints(feature: Feature) -> Iterator[str]:
    if feature.type != "date":
        if feature.reference is not None:
            yield f"a {feature.type} has no reference date"
    elif parse_day(feature.reference or "") is None:
        yield "a date needs a reference date, such as 2026-01-31"


def _observed_complaints(feature: Feature) -> Iterator[str]:
    seen = feature.observed
    if seen is None:
        return
    if not (math.isfinite(seen.minimum) and math.isfinite(seen.maximum) and seen.minimum <= seen.maximum):
        yield "the observed minimum is above the maximum, or one of them is no number"
    elif feature.type == "date" and not (seen.minimum >= -MAX_DAYS and seen.maximum <= MAX_DAYS):
        yield "the observed range reaches beyond the calendar"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_of_type(choice: str | float, feature: Feature) -> bool:
    if isinstance(choice, str):
        return feature.type == "string" and 0 < len(choice) <= feature.max_length
    if isinstance(choice, bool) or feature.type == "string":
        return False
    return math.isfinite(choice) and (feature.type == "number" or choice == int(choice))
