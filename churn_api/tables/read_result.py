"""Outcome: what the rows of one block came to."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.faults import Fault


class RowFault(NamedTuple):
    """One fault of a row. It never holds the value itself."""

    row: int
    """From 0, within the block."""
    line: int
    """From 0, within the block: where the row begins."""
    column: str | None
    """None where the row itself is at fault."""
    code: str
    message: str
    hint: str | None


@dataclass(frozen=True)
class Rows:
    """The rows of a block: the good ones as columns, the faults of the others."""

    columns: Columns
    """Of the good rows."""
    good: NDArray[np.int64]
    """The good rows' numbers within the block, ascending."""
    count: int
    """Rows of the block, good and bad."""
    lines: int
    """Lines of the block; its rows, where it is no text."""
    identifiers: pa.ChunkedArray
    """One a row, text, or int64 where the file stores numbers; null where there is none."""
    faults: list[RowFault]
    """In the order of rows."""
    unseen: dict[str, int]
    """By open feature: good rows with a category that training did not see."""
    kept: pa.Table
    """One row a row: the columns to keep, as they stand."""


def fault_at(row: int, line: int, fault: Fault) -> RowFault:
    """A record's fault as that of a row."""
    column = str(fault.path[0]) if fault.path else None
    return RowFault(row, line, column, fault.code, fault.message, fault.hint)
