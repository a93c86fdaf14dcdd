"""Columns of predictions as Arrow has them."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.scoring.output import Column, Computed


def arrow_column(column: Column, computed: Computed, bad: NDArray[np.bool_] | None = None) -> pa.Array:
    """The values of a column, shape (n,); of n rows those that are not bad were computed, and bad ones are null."""
    values = np.asarray(computed, column.dtype)
    if bad is not None:
        spread = np.zeros(len(bad), column.dtype)
        spread[~bad] = values
        values = spread
    cells = pa.array(values, mask=bad)
    return pa.array(column.labels).take(cells) if column.labels else cells
