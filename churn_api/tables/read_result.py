"""The result of reading one block: valid rows as columns, and the faults of the others."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.faults import Fault
from churn_api.contract.record import InvalidRecord

MAX_BLOCK_FAULTS = 1 << 17
"""Faults of a block that are listed; the others are counted."""


class RowFault(NamedTuple):
    """One fault of a row. It never contains the value itself."""

    row: int
    """From 0, within the block."""
    line: int
    """The line where the row begins, from 0, within the block."""
    column: str | None
    """None where the fault concerns the row itself."""
    code: str
    message: str
    hint: str | None


class BlockFaults:
    """Collects the first faults of a block's rows, and counts the others."""

    def __init__(self) -> None:
        self.first: list[RowFault] = []
        self.more = 0

    def add(self, row: int, line: int, record: InvalidRecord) -> None:
        """Add the faults of the next invalid row."""
        listed = record.faults[: MAX_BLOCK_FAULTS - len(self.first)]
        self.first += [_fault_at(row, line, fault) for fault in listed]
        self.more += len(record.faults) - len(listed) + record.more


@dataclass(frozen=True)
class ReadResult:
    """The rows of a block: n valid rows as columns, and the faults of the others."""

    columns: Columns
    """The n valid rows."""
    good: NDArray[np.int64]
    """Shape (n,): the valid rows' positions within the block, ascending."""
    count: int
    """Rows of the block, valid and invalid."""
    lines: int
    """Lines of the block; equal to `count` for binary formats."""
    identifiers: pa.ChunkedArray
    """Length `count`: text, or int64 where the file stores numbers; null where a row has none."""
    faults: list[RowFault]
    """The first faults, in the order of rows."""
    unseen: dict[str, int]
    """By open feature: the number of valid rows with an out-of-vocabulary category."""
    kept: pa.Table
    """The columns to keep, unmodified, with `count` rows."""
    more_faults: int = 0
    """The number of faults left out of `faults`."""


def _fault_at(row: int, line: int, fault: Fault) -> RowFault:
    """A record's fault as a row's fault."""
    column = str(fault.path[0]) if fault.path else None
    return RowFault(row, line, column, fault.code, fault.message, fault.hint)
