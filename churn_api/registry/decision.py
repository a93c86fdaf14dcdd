"""From probabilities to decisions: the threshold that a request names, that of the costs in force, or the card's."""

from contextlib import suppress
from typing import NamedTuple, Self

import numpy as np

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.scoring.costs import Costs, Doubles


class NoValueFeature(ValueError):
    """Costs take the value of a customer from a feature that the signature does not have, or that is no number."""


class CostsInForce(NamedTuple):
    """A version of a model's costs."""

    policy: int
    """The number of the version, which answers name."""
    costs: Costs


class Decision(NamedTuple):
    """One threshold for all customers, or one for each."""

    threshold: float | None
    """None where it differs by customer."""
    policy: int | None = None
    """The version of the costs that it follows from; None where it follows from none."""
    otherwise: float = 0.0
    """Where it differs: the threshold of a customer whose value is missing."""
    costs: Costs | None = None
    """Where it differs: what it follows from."""
    position: int = 0
    """Where it differs: the value's, among the numeric features."""

    @classmethod
    def by_costs(cls, in_force: CostsInForce, signature: Signature, otherwise: float) -> Self:
        """The decision of costs. Raises NoValueFeature where they do not fit the signature."""
        policy, costs = in_force
        if not isinstance(costs.value, str):
            return cls(costs.break_even(costs.worth(costs.value)), policy)
        return cls(None, policy, otherwise, costs, value_position(signature, costs.value))

    def thresholds(self, columns: Columns) -> float | Doubles:
        """The threshold of n records: one number, or an array of shape (n,); of a single record always a number."""
        if self.costs is None:
            assert self.threshold is not None  # noqa: S101 # nosec B101 - for the type checker
            return self.threshold
        thresholds = self.costs.break_even(self.costs.worth(columns.numbers[:, self.position]))
        thresholds = np.where(np.isnan(thresholds), self.otherwise, thresholds)
        return thresholds if columns.rows != 1 else float(thresholds[0])


def decision_of(signature: Signature, threshold: float, in_force: CostsInForce | None) -> Decision:
    """The decision where the caller names no threshold: of the costs where they fit, else by the card's threshold."""
    with suppress(NoValueFeature):
        if in_force is not None:
            return Decision.by_costs(in_force, signature, threshold)
    return Decision(threshold)


def value_position(signature: Signature, feature: str) -> int:
    """The position of a feature among the numeric ones, where it is an amount. Raises NoValueFeature."""
    numeric = [each for each in signature.features if each.numeric]
    for position, each in enumerate(numeric):
        if each.name == feature and each.type in ("integer", "number"):
            return position
    raise NoValueFeature("the version has no such numeric feature")


def shown_threshold(thresholds: float | Doubles) -> float | None:
    """One threshold as answers show it; None where it differs by customer, or no probability reaches it."""
    return None if isinstance(thresholds, np.ndarray) or thresholds > 1 else thresholds
