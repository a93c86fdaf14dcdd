"""What a call costs and what a kept customer is worth: the gain of each call, and the threshold that follows.

Of leavers who are called, a share `success` accepts the offer and stays; of loyal customers who are called, a share
`acceptance` takes the offer too. So a call of a customer with probability p and value v gains on average

    p (success (v - offer) - contact) - (1 - p) (acceptance * offer + contact)

Neslin, Gupta, Kamakura, Lu, Mason: "Defection Detection", Journal of Marketing Research 43(2), 2006, with `acceptance`
for the share of loyal customers that they take to be 1.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Numbers = float | Doubles

MAX_AMOUNT = 1e12
MAX_MONTHS = 1200


class Costs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money in one currency, whichever; two shares, from 0 to 1. Raises ValueError where a call could never pay."""

    offer: float
    """What an accepted offer costs."""
    contact: float
    """What a call costs."""
    value: float | str
    """What a kept customer is worth, before `months` and `margin`; or the name of the feature that says it."""
    success: float
    """The share of leavers that the offer keeps; above 0."""
    acceptance: float = 1.0
    """The share of loyal customers that take the offer too."""
    months: float = 1.0
    """How many times the value comes, such as 12 where it is what a customer pays a month."""
    margin: float = 1.0
    """The share of the value that is earned; above 0."""

    def __post_init__(self) -> None:
        if not (0 <= self.offer <= MAX_AMOUNT and 0 <= self.contact <= MAX_AMOUNT):
            raise ValueError("offer and contact are amounts of money, from 0")
        if not (0 < self.success <= 1 and 0 <= self.acceptance <= 1):
            raise ValueError("success and acceptance are shares, from 0 to 1, and success is above 0")
        if not (0 < self.months <= MAX_MONTHS and 0 < self.margin <= 1):
            raise ValueError(f"months is from 0 to {MAX_MONTHS}, margin a share, and both are above 0")
        if not isinstance(self.value, str):
            if not 0 < self.value <= MAX_AMOUNT:
                raise ValueError("value is an amount of money, above 0")
            if not self.break_even(self.worth(self.value)) < 1:
                raise ValueError("no call would pay: not even one of a customer who certainly leaves")

    @property
    def value_feature(self) -> str | None:
        """The name of the feature that says what a customer is worth; None where all are worth the same."""
        return self.value if isinstance(self.value, str) else None

    def worth(self, value: Any) -> Any:
        """What customers are worth, from amounts as they are sent: a number, or an array."""
        return value * (self.months * self.margin)

    def break_even(self, worth: Any) -> Any:
        """The probability from which a call gains: a number, or an array of shape (n,).

        Infinite where a call never pays, NaN where the worth is not known.
        """
        wasted = self.acceptance * self.offer + self.contact
        at_stake = self.success * (worth - self.offer) + self.acceptance * self.offer
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            threshold = np.where(np.less_equal(at_stake, 0), np.inf, np.divide(wasted, at_stake))
        return threshold if threshold.ndim else float(threshold)

    def gain(self, probabilities: Numbers, worth: Numbers) -> Any:
        """What calls gain on average: a number, or an array of shape (n,)."""
        kept = self.success * (worth - self.offer) - self.contact
        return probabilities * kept - (1 - probabilities) * (self.acceptance * self.offer + self.contact)

    def spending(self, probabilities: Numbers) -> Any:
        """What calls cost on average, accepted offers included: a number, or an array of shape (n,)."""
        accepted = probabilities * self.success + (1 - probabilities) * self.acceptance
        return self.contact + self.offer * accepted

    def with_success(self, success: float) -> "Costs":
        """The same with another share of leavers that the offer keeps."""
        return msgspec.structs.replace(self, success=success)
