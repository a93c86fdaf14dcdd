"""The one thing that a model does while serving."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns


class Scorer(Protocol):
    """Turns columns into probabilities of churn."""

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """Probabilities of the target's positive label: shape (n,), float64, in [0, 1]; n is at least 1."""
        ...
