"""What a prediction is: its columns with their names and types, and the one decision.

JSON answers, tables, the OpenAPI document, reserved names and metrics are derived from COLUMNS: one more column of the
answer is one more entry here.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from churn_api.contract.signature import IDENTIFIER, Signature, SignatureError

BANDS = ("low", "medium", "high")

Numbers = float | NDArray[np.float64]
Computed = list[Any] | NDArray[Any]
"""The values of a column, of length n: an array, or a list where there is one."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a model's decisions change: all three are probabilities, and each bound belongs to the side above it."""

    threshold: float
    medium_from: float
    high_from: float

    def __post_init__(self) -> None:
        if not 0 <= self.medium_from <= self.high_from <= 1 or not 0 <= self.threshold <= 1:
            raise ValueError("a policy's bounds are probabilities, medium_from at most high_from")

    def at(self, threshold: float | None) -> float:
        """Where churn begins: the threshold that was asked for, or the policy's own."""
        return self.threshold if threshold is None else threshold


def policy_around(threshold: float) -> Policy:
    """The policy of a threshold: medium from half of it, high from half way between it and certainty."""
    return Policy(threshold=threshold, medium_from=threshold / 2, high_from=(1 + threshold) / 2)


def decide(probabilities: Numbers, threshold: float) -> Any:
    """Where churn is predicted: a truth for a number, an array of shape (n,) for one of n.

    No other line of this program compares with a threshold.
    """
    return probabilities >= threshold


class Column(NamedTuple):
    """One column of predictions."""

    name: str
    attribute: str
    """Its name in Python: of `Prediction`."""
    schema: Mapping[str, Any]
    """What a value is, as JSON Schema says it."""
    dtype: type[np.generic]
    compute: Callable[[Numbers, float, Policy], Any]
    """The value of a probability at a threshold, or those of n; where there are labels, the index of one."""
    labels: tuple[str, ...] = ()

    def values(self, computed: Computed) -> list[Any]:
        """Computed values as JSON has them."""
        plain = computed if isinstance(computed, list) else computed.tolist()
        return [self.labels[index] for index in plain] if self.labels else plain


PREDICTION = Column(
    "churn_prediction",
    "prediction",
    {"type": "integer", "enum": [0, 1]},
    np.int8,
    lambda probabilities, threshold, _: 1 * decide(probabilities, threshold),
)
PROBABILITY = Column(
    "churn_probability",
    "probability",
    {"type": "number", "minimum": 0, "maximum": 1},
    np.float64,
    lambda probabilities, _threshold, _policy: probabilities,
)
BAND = Column(
    "risk_band",
    "band",
    {"type": "string", "enum": list(BANDS)},
    np.int8,
    lambda probabilities, _, policy: 1 * (probabilities >= policy.medium_from) + (probabilities >= policy.high_from),
    BANDS,
)

COLUMNS = (PREDICTION, PROBABILITY, BAND)
"""In the order in which answers have them, behind the identifier."""

RESERVED_NAMES = frozenset({IDENTIFIER, *(column.name for column in COLUMNS)})
"""Names of answers, which no feature may take: a scored table carries both."""


def output(probabilities: NDArray[np.float64], threshold: float, policy: Policy) -> dict[str, Computed]:
    """Every column of n predictions by its name, each of length n."""
    if len(probabilities) == 1:
        # NumPy's calls on one number cost more than all else that shapes a prediction.
        (one,) = probabilities.tolist()
        return {column.name: [column.compute(one, threshold, policy)] for column in COLUMNS}
    return {column.name: column.compute(probabilities, threshold, policy) for column in COLUMNS}


def refuse_reserved_names(signature: Signature) -> None:
    """Raise SignatureError where a feature is named like a column of the answer."""
    for feature in signature.features:
        if feature.name in RESERVED_NAMES:
            raise SignatureError(f"feature {feature.name!r}: the name is reserved", "a feature's name is reserved")
