"""A call list: what is asked of it, and what it amounts to."""

from typing import Any, NamedTuple, Self

import msgspec

from churn_api.scoring.costs import Costs

MAX_CONTROL_SHARE = 0.5
MAX_RECORDED = 20_000
"""Customers of one list, its first, who are remembered: enough to see what calling changes."""


class CallList(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom to call: those whose call gains most, until one gains nothing, or capacity or budget is used up."""

    costs: Costs
    """Its `value` names a feature, or any other column of the table, or is an amount."""
    policy: int
    """The version of the costs."""
    capacity: int | None = None
    """At most so many calls."""
    budget: float | None = None
    """What the calls, with the offers that are accepted, may cost on average."""
    control_share: float = 0.0
    """The share of the list that is not to be called, chosen at random: what they do shows what calling changes."""


class Deviation(msgspec.Struct, frozen=True):
    """The share that left less the mean probability, with its 95 % interval."""

    value: float
    low: float
    high: float


class CallListTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a call list amounts to on average, if probabilities are right. Amounts are in the currency of the costs.

    All but the counts of customers is None where outcomes have shown that probabilities are off.
    """

    worth_calling: int
    """Customers whose call gains something, on the list or not."""
    called: int
    control: int
    expected_cost: float | None
    """Of the called: what calls and accepted offers cost."""
    expected_leavers: float | None
    expected_kept: float | None
    expected_profit: float | None
    profit_low: float | None
    """With the lower share of leavers that the offer may keep, of `scoring.profit.SUCCESS_BAND`."""
    profit_high: float | None
    calibration: Deviation | None = None
    """What outcomes have shown of the probabilities when the list was made; None before there are enough."""

    @property
    def is_withheld(self) -> bool:
        """Whether the amounts are withheld, because probabilities are off."""
        return self.expected_profit is None

    def withheld(self) -> Self:
        """The same without what rests on the probabilities."""
        forecast = (name for name in self.__struct_fields__ if name.startswith(("expected_", "profit_")))
        return msgspec.structs.replace(self, **dict.fromkeys(forecast))


class ListedGroups(NamedTuple):
    """Who is on a call list that has a control group: the first MAX_RECORDED customers."""

    list_id: str
    """The same for a list that is made again."""
    model: str
    horizon_days: int
    """Within how many days the model says that customers leave."""
    customers: list[tuple[Any, bool]]
    """Identifiers, each with whether the customer is to be called; without those who have none."""
