"""Converts columns of predictions to Arrow."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.scoring.output import Column, Computed


def arrow_column(column: Column, computed: Computed, bad: NDArray[np.bool_] | None = None) -> pa.Array:
    """A column as an Arrow array of length n.

    `bad`, shape (n,), marks invalid rows: `computed` holds values of the other rows only, and the array null for these.
    """
    values = np.asarray(computed, column.dtype)
    if bad is not None:
        spread = np.zeros(len(bad), column.dtype)
        spread[~bad] = values
        values = spread
    cells = pa.array(values, mask=bad)
    return pa.array(column.labels).take(cells) if column.labels else cells
