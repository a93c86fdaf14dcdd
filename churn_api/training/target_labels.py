"""The target of a table under a signature: who churned."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.signature import Signature
from churn_api.tables.target import in_group, target_texts
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.training_error import TrainingError


def target_labels(table: pa.Table, signature: Signature) -> Labels | None:
    """The target as 0 and 1, shape (n,); None where the table lacks it. Raises TrainingError for other labels."""
    target = signature.target
    if target.name not in table.column_names:
        return None
    texts = target_texts(table, target.name)
    positive, negative = in_group(texts, target.positive), in_group(texts, target.negative)
    if not (pc.all(pc.or_(positive, negative)).as_py() and pc.any(positive).as_py() and pc.any(negative).as_py()):
        raise TrainingError(f"target {target.name!r} must be {target.positive!r} or {target.negative!r} in every row")
    labels: Labels = positive.to_numpy().astype(np.int64)
    return labels
