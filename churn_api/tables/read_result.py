"""Outcome: what the rows of one block came to."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.faults import Fault
from churn_api.contract.record import InvalidRecord

MAX_BLOCK_FAULTS = 1 << 17
"""Of a block, that are told one by one; the others are counted."""


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


class BlockFaults:
    """The first faults of a block's rows, and a count of the others."""

    def __init__(self) -> None:
        self.first: list[RowFault] = []
        self.more = 0

    def add(self, row: int, line: int, record: InvalidRecord) -> None:
        """What is wrong with the next bad row."""
        some = record.faults[: MAX_BLOCK_FAULTS - len(self.first)]
        self.first += [_fault_at(row, line, fault) for fault in some]
        self.more += len(record.faults) - len(some) + record.more


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
    """The first ones, in the order of rows."""
    unseen: dict[str, int]
    """By open feature: good rows with a category that training did not see."""
    kept: pa.Table
    """One row a row: the columns to keep, as they stand."""
    more_faults: int = 0
    """That are not among the faults."""


def _fault_at(row: int, line: int, fault: Fault) -> RowFault:
    """A record's fault as that of a row."""
    column = str(fault.path[0]) if fault.path else None
    return RowFault(row, line, column, fault.code, fault.message, fault.hint)
