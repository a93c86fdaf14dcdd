"""The answer of a tensor model, independent of any protocol, and who observes it."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from churn_api.registry.tensor_model import TensorModel
from churn_api.scoring.class_scores import RankedLabel, top_labels


class TensorAnswer(NamedTuple):
    """What a tensor model returned for some inputs."""

    model: TensorModel
    outputs: dict[str, NDArray[Any]]
    """By name; empty where the caller asked for labels."""
    probabilities: NDArray[np.float64] | None
    """Of the labels, shape (rows, labels); None where the caller asked for outputs."""
    rows: int
    many: bool
    """Whether the rows were sent as a batch, even a batch of one."""
    seconds: float
    """Duration of computing."""

    def top(self, row: int, count: int) -> list[RankedLabel]:
        """The most probable labels of a row. Raises ValueError where the caller asked for outputs."""
        if self.probabilities is None:
            raise ValueError("the answer has no labels")
        return top_labels(self.probabilities[row], self.model.card.labels, count)


class TensorObserver(Protocol):
    """Receives every answer of a tensor model, whatever the protocol. Must not raise."""

    def tensors_predicted(self, answer: TensorAnswer) -> None:
        """Receive an answer."""
        ...
