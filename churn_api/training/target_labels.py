"""The target of a table under a signature: who churned."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.signature import Signature
from churn_api.tables.row_numbers import row_name
from churn_api.tables.target import in_group, target_texts
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.training_error import TrainingError


def target_labels(table: pa.Table, signature: Signature) -> Labels | None:
    """The target as 0 and 1, shape (n,); None where the table lacks it.

    Raises TrainingError for another label, by its row, or where all rows have the same.
    """
    target = signature.target
    if target.name not in table.column_names:
        return None
    texts = target_texts(table, target.name)
    positive, negative = in_group(texts, target.positive), in_group(texts, target.negative)
    other = pc.index(pc.or_(positive, negative), False).as_py()
    if other >= 0:
        labels = f"{target.positive!r} nor {target.negative!r}"
        raise TrainingError(f"{row_name(table, other)}: target {target.name!r} is neither {labels}")
    for label, rows in ((target.positive, positive), (target.negative, negative)):
        if not pc.any(rows).as_py():
            raise TrainingError(f"target {target.name!r} has one class only: no row is {label!r}")
    found: Labels = positive.to_numpy().astype(np.int64)
    return found
