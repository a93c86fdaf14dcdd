"""How probabilities and contributions of records are computed: by the model, or from a cache in front of it."""

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.registry.model import Model
from churn_api.scoring.explanation import Explanation


class Computation:
    """Computation by the model."""

    def score(self, model: Model, columns: Columns) -> NDArray[np.float64]:
        """Probabilities of n records, shape (n,)."""
        return model.score(columns)

    def explain(self, model: Model, columns: Columns) -> Explanation:
        """Probabilities and contributions of n records. Raises NoReasons."""
        return model.explainer().explain(columns)
