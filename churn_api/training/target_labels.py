"""The target of a table under a signature: who churned."""

import numpy as np
import pyarrow as pa

from churn_api.contract.signature import Signature
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.training_error import TrainingError


def target_labels(table: pa.Table, signature: Signature) -> Labels | None:
    """The target as 0 and 1, shape (n,); None where the table lacks it. Raises TrainingError for other labels."""
    target = signature.target
    if target.name not in table.column_names:
        return None
    texts = trimmed(as_text(table.column(target.name))).to_pylist()
    if set(texts) != {target.positive, target.negative}:
        raise TrainingError(f"target {target.name!r} must be {target.positive!r} or {target.negative!r} in every row")
    return np.array([text == target.positive for text in texts], dtype=np.int64)
