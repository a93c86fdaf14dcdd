"""What calling changes: of a call list, those who were to be called against those who were not, chosen at random."""

import math
from typing import Any, NamedTuple

from churn_api.monitoring.live_figures import Estimate, Z, wilson

MIN_LEAVERS = 30
"""In each group: with fewer, the shares say little."""


class Group(NamedTuple):
    """The customers of one group whose outcome is known."""

    customers: int
    leavers: int

    @property
    def rate(self) -> float:
        """The share that left."""
        return self.leavers / self.customers


class CallEffect(NamedTuple):
    """The effect of calling, by assignment: of who was to be called, whether reached or not."""

    called: Group
    control: Group
    reduction: Estimate | None
    """By how much calling lowers the share that leaves; None where a group has no customers or too few leavers."""
    success: Estimate | None
    """The share of leavers that calling keeps; None in the same cases."""

    @property
    def is_measured(self) -> bool:
        """Whether it may stand for what was guessed: enough leavers in both groups, and an effect above chance."""
        return self.reduction is not None and self.reduction.low > 0


def effect_document(effect: CallEffect) -> dict[str, Any]:
    """The effect as JSON."""
    return {
        "called": effect.called._asdict(),
        "control": effect.control._asdict(),
        "reduction": effect.reduction and effect.reduction._asdict(),
        "success": effect.success and effect.success._asdict(),
        "is_measured": effect.is_measured,
    }


def call_effect(called: Group, control: Group) -> CallEffect:
    """The effect of calling from the leavers of both groups."""
    if min(called.leavers, control.leavers) < MIN_LEAVERS:
        return CallEffect(called, control, None, None)
    return CallEffect(called, control, difference(control, called), success(control, called))


def difference(first: Group, second: Group) -> Estimate:
    """The first share less the second (Newcombe, Statistics in Medicine 17, 1998, method 10)."""
    one, two = wilson(first.leavers, first.customers), wilson(second.leavers, second.customers)
    value = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Estimate(value, value - below, value + above)


def success(control: Group, called: Group) -> Estimate:
    """Of those who would leave, the share that calling keeps: one less the ratio of the shares.

    The interval is that of the ratio's logarithm (Katz, Baptista, Azen, Pike, Biometrics 34, 1978).
    """
    ratio = called.rate / control.rate
    half = Z * math.sqrt(sum(1 / group.leavers - 1 / group.customers for group in (control, called)))
    return Estimate(1 - ratio, 1 - ratio * math.exp(half), 1 - ratio * math.exp(-half))
