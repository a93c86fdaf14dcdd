"""What a classifier's output says about each label: probabilities, or numbers that softmax turns into them."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray


class ClassScores(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which output has a number for each label, and what kind of number."""

    output: str
    kind: Literal["probabilities", "logits"]

    def probabilities(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of shape (n, labels) from the output's rows."""
        rows = scores.reshape(len(scores), -1).astype(np.float64)
        return softmax(rows) if self.kind == "logits" else rows


class RankedLabel(NamedTuple):
    """A label with its position and its probability."""

    position: int
    label: str
    probability: float


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of the same shape, each row of which adds up to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def top_labels(probabilities: NDArray[np.float64], labels: Sequence[str], count: int) -> list[RankedLabel]:
    """The most probable labels of one row, the first of equal ones first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return [RankedLabel(index, labels[index], float(probabilities[index])) for index in order.tolist()]
