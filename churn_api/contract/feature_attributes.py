"""The attributes of one field of a record."""

from typing import Literal

import msgspec

from churn_api.contract.notation import Notation
from churn_api.contract.presentation import Actionable, ReasonTexts

FeatureType = Literal["integer", "number", "boolean", "string", "date"]
Label = str | int

IDENTIFIER = "customer_id"
"""The name of the identifier in every response; every client may send the identifier under it."""

MAX_NAME_LENGTH = 128
FLOAT32_MAX = 3.4028234663852886e38
"""The largest float32. Models compute in float32, so larger numbers are rejected."""


class Observed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The range that training saw. It is enforced, with a margin, where a feature refuses what lies outside."""

    minimum: float
    maximum: float
    median: float | None = None
    """Of the rows that have the feature: what a reason's text calls typical."""


class FeatureAttributes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a record, as a signature writes it; not checked yet."""

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
    label: str = ""
    """What people call it; empty for its name."""
    unit: str = ""
    """Of its numbers, for people: months, USD."""
    group: str = ""
    """Features with the same group are one reason, whose contribution is the sum of theirs."""
    texts: ReasonTexts | None = None
    actionable: Actionable | None = None

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
