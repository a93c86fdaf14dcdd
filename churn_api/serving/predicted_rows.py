"""The predictions of one block of a job, for the prediction log."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature

LogMode = Literal["off", "answers", "records"]
"""What the prediction log has: nothing, predictions, or the features as well."""


class PredictedRows(NamedTuple):
    """The predictions of a block's n valid rows."""

    threshold: float | None
    """None where it differs by customer."""
    identifiers: list[Any]
    """Length n; None where a row has none."""
    probabilities: NDArray[np.float64]
    """Shape (n,)."""
    decisions: NDArray[np.int8]
    """Shape (n,): 1 for churn."""
    positions: NDArray[np.int64] | None
    """Shape (n,), within the block; None where all rows are valid."""
    signature: Signature
    records: Columns | None
    """None unless features are logged."""


class JobBlock(NamedTuple):
    """Which block of which job was scored. It may be scored again where a worker is killed."""

    job: str
    submitted: datetime
    model: str
    version: str
    number: int
    first: int
    """The position of its first row in the file."""
