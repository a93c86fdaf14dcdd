"""What a prediction is: its columns with their names and types, and the decision rule.

JSON responses, tables, the OpenAPI document, reserved names and metrics are derived from COLUMNS: to add a column to
responses, add it here.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.contract.signature import Signature, SignatureError

BANDS = ("low", "medium", "high")

Numbers = float | NDArray[np.float64]
Thresholds = float | NDArray[np.float64]
"""One threshold for n predictions, or one for each, in an array of shape (n,)."""
Computed = list[Any] | NDArray[Any]
"""The n values of a column: a list where n is 1, else an array."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model's operating point and risk bands: three probabilities, each the inclusive lower bound of its range."""

    threshold: float
    medium_from: float
    high_from: float

    def __post_init__(self) -> None:
        if not 0 <= self.medium_from <= self.high_from <= 1 or not 0 <= self.threshold <= 1:
            raise ValueError("a policy's bounds are probabilities, medium_from at most high_from")


def policy_around(threshold: float) -> Policy:
    """The policy for a threshold: medium from half of it, high from halfway between it and 1."""
    return Policy(threshold=threshold, medium_from=threshold / 2, high_from=(1 + threshold) / 2)


def decide(probabilities: Numbers, threshold: Thresholds) -> Any:
    """Whether churn is predicted: a bool for a float, an array of shape (n,) for an array of shape (n,).

    No other line of this program compares probabilities with a threshold.
    """
    return probabilities >= threshold


class Column(NamedTuple):
    """One column of predictions."""

    name: str
    attribute: str
    """The name of the attribute of `Prediction` in Python."""
    schema: Mapping[str, Any]
    """JSON Schema of a value."""
    dtype: type[np.generic]
    compute: Callable[[Numbers, Thresholds, Policy], Any]
    """From probabilities, threshold and policy to values: one value, or an array of shape (n,); an index into `labels`
    where there are labels."""
    labels: tuple[str, ...] = ()

    def values(self, computed: Computed) -> list[Any]:
        """Computed values as a list of JSON values."""
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
"""In the order of responses, after the identifier."""

RESERVED_NAMES = frozenset({IDENTIFIER, *(column.name for column in COLUMNS)})
"""Names that no feature may have: a scored table contains the input's columns and these."""


def output(probabilities: NDArray[np.float64], threshold: Thresholds, policy: Policy) -> dict[str, Computed]:
    """The columns of n predictions by name, each of length n, from probabilities of shape (n,).

    The threshold of a single one is a number.
    """
    if len(probabilities) == 1:
        # For a single number plain Python is faster than NumPy.
        (one,) = probabilities.tolist()
        return {column.name: [column.compute(one, threshold, policy)] for column in COLUMNS}
    return {column.name: column.compute(probabilities, threshold, policy) for column in COLUMNS}


def refuse_reserved_names(signature: Signature) -> None:
    """Raise SignatureError where a feature has the name of a prediction's column."""
    for feature in signature.features:
        if feature.name in RESERVED_NAMES:
            raise SignatureError(f"feature {feature.name!r}: the name is reserved", "a feature's name is reserved")
