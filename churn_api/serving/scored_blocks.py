"""The results of blocks of a table, and several of them as one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.registry.bin_counts import Counts
from churn_api.scoring.output import COLUMNS, PROBABILITY, Computed
from churn_api.serving.predicted_rows import PredictedRows
from churn_api.tables.file_parts import Block
from churn_api.tables.read_result import MAX_BLOCK_FAULTS, RowFault


class ScoredBlock(NamedTuple):
    """A block's part of the result, with counts and faults."""

    block: Block
    part: bytes
    """Encoded rows of the result; empty where they are stored elsewhere."""
    rows: int
    lines: int
    bad_rows: int
    faults: list[RowFault]
    unseen: dict[str, int]
    """By open feature, the number of cells with an out-of-vocabulary category."""
    outside: dict[str, int]
    """By feature, the number of cells far outside the range that training saw."""
    more_faults: int = 0
    """The number of faults left out of `faults`."""
    counts: Counts | None = None
    """Of a sample of the valid rows, by the bins of the model's baseline; None where it has none."""
    predicted: PredictedRows | None = None
    """None where predictions are not logged."""


class ScoredTable(NamedTuple):
    """A scored block in memory."""

    table: pa.Table
    """The result's rows."""
    columns: dict[str, Computed]
    """The columns of `scoring.output`, of valid rows only."""
    result: ScoredBlock
    """Counts and faults; its `part` is empty."""
    records: list[Columns]
    """The valid rows, in parts; empty unless they are kept."""
    good: NDArray[np.int64]
    """The positions of the valid rows within the block."""
    worth: pa.Array | None = None
    """For a call list: what each row's customer is worth."""

    @property
    def identifiers(self) -> list[Any]:
        """The identifiers of the valid rows."""
        good = self.table.column(PROBABILITY.name).is_valid()
        return list(self.table.column(IDENTIFIER).filter(good).to_pylist())


def concatenated(block: Block, pieces: Sequence[ScoredTable]) -> ScoredTable:
    """The results of a block's pieces as one result."""
    return ScoredTable(
        pa.concat_tables([piece.table for piece in pieces]),
        {column.name: np.concatenate([piece.columns[column.name] for piece in pieces]) for column in COLUMNS},
        _summed(block, [piece.result for piece in pieces]),
        [part for piece in pieces for part in piece.records],
        _positions(pieces),
        None if pieces[0].worth is None else pa.concat_arrays([piece.worth for piece in pieces]),
    )


def _positions(pieces: Sequence[ScoredTable]) -> NDArray[np.int64]:
    """The positions of the valid rows of consecutive pieces."""
    first = np.cumsum([0, *(piece.result.rows for piece in pieces)])
    return np.concatenate([piece.good + start for piece, start in zip(pieces, first, strict=False)])


def _summed(block: Block, pieces: Sequence[ScoredBlock]) -> ScoredBlock:
    rows, lines, more = 0, 0, 0
    faults: list[RowFault] = []
    unseen, outside = Counter[str](), Counter[str]()
    for piece in pieces:
        listed = piece.faults[: MAX_BLOCK_FAULTS - len(faults)]
        faults += [fault._replace(row=fault.row + rows, line=fault.line + lines) for fault in listed]
        more += len(piece.faults) - len(listed) + piece.more_faults
        rows, lines = rows + piece.rows, lines + piece.lines
        unseen.update(piece.unseen)
        outside.update(piece.outside)
    bad_rows = sum(piece.bad_rows for piece in pieces)
    counted = [piece.counts for piece in pieces if piece.counts is not None]
    counts = np.sum(counted, axis=0) if counted else None
    return ScoredBlock(block, b"", rows, lines, bad_rows, faults, dict(unseen), dict(outside), more, counts)
