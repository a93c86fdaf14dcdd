"""A call list: what is asked of it, and what it amounts to."""

from typing import Any, NamedTuple

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


class CallListTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a call list amounts to on average, if probabilities are right. Amounts are in the currency of the costs."""

    worth_calling: int
    """Customers whose call gains something, on the list or not."""
    called: int
    control: int
    expected_cost: float
    """Of the called: what calls and accepted offers cost."""
    expected_leavers: float
    expected_kept: float
    expected_profit: float
    profit_low: float
    """With the lower share of leavers that the offer may keep, of `scoring.profit.SUCCESS_BAND`."""
    profit_high: float


class ListedGroups(NamedTuple):
    """Who is on a call list that has a control group: the first MAX_RECORDED customers."""

    job: str
    model: str
    horizon_days: int
    """Within how many days the model says that customers leave."""
    customers: list[tuple[Any, bool]]
    """Identifiers, each with whether the customer is to be called; without those who have none."""
