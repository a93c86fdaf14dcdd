"""One block of a table -> its scored part: the same function in a request, in another process and on a cluster."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.batch import BatchReader
from churn_api.contract.columns import Columns
from churn_api.contract.signature import IDENTIFIER
from churn_api.registry.bundle import read_card
from churn_api.registry.model import Model, load_model
from churn_api.scoring.output import COLUMNS, PROBABILITY, RESERVED_NAMES, Computed
from churn_api.serving.answer import predict_columns
from churn_api.serving.arrow_columns import arrow_column
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.formats import FORMATS
from churn_api.tables.formulas import without_formulas
from churn_api.tables.read_result import MAX_FAULTS, RowFault
from churn_api.tables.writers import encode


class Task(NamedTuple):
    """What to do with every block of one file. Small, and understood by another process that sees the same files."""

    bundle: str
    """Folder of the model's version."""
    digest: str
    layout: Layout
    keep: tuple[str, ...] | None
    """Columns that the result repeats; None for all."""
    threshold: float | None
    result_format: str
    part_format: str
    excel_safe: bool = False
    """Whether what begins as a formula is marked as text."""


class Scored(NamedTuple):
    """A block's part of the result, and what was found on the way."""

    block: Block
    part: bytes
    """Of the result; empty where it is somewhere else already."""
    rows: int
    lines: int
    bad_rows: int
    faults: list[RowFault]
    unseen: dict[str, int]
    more_faults: int = 0
    """That are not among the faults."""


class ScoredTable(NamedTuple):
    """A block in memory."""

    table: pa.Table
    """The result's rows."""
    columns: dict[str, Computed]
    """Of its good rows: the columns of `scoring.output`."""
    result: Scored
    """What was found on the way; its part is empty."""

    @property
    def identifiers(self) -> list[Any]:
        """Of its good rows."""
        good = self.table.column(PROBABILITY.name).is_valid()
        return list(self.table.column(IDENTIFIER).filter(good).to_pylist())


class TableScorer:
    """Scores the blocks of one file with one model. Raises TableFaults where the file's columns do not fit."""

    def __init__(self, model: Model, layout: Layout, keep: Sequence[str] | None, threshold: float | None) -> None:
        self._model = model
        self.threshold = model.card.policy.at(threshold)
        self._rows = FORMATS[layout.format].reader(model.reader.records, layout, keep, RESERVED_NAMES)
        self._format = FORMATS[layout.format]
        self._nothing = Block(0, layout.start, layout.start)

    @property
    def schema(self) -> pa.Schema:
        """The result's columns, found by scoring no rows."""
        return self._score_piece(self._nothing).table.schema

    def score(self, block: Block, part_format: str, *, excel_safe: bool = False) -> Scored:
        """A block's part of the result. Raises TableError where the block is no table."""
        scored = self.score_table(block)
        table = without_formulas(scored.table) if excel_safe else scored.table
        return scored.result._replace(part=encode(table, part_format))

    def score_table(self, block: Block) -> ScoredTable:
        """A row for each row of a block, in order, a bad one without predictions. Raises TableError."""
        pieces = [self._score_piece(piece) for piece in self._format.pieces(block)]
        return pieces[0] if len(pieces) == 1 else _added(block, pieces)

    def _score_piece(self, block: Block) -> ScoredTable:
        rows = self._rows.read(block)
        bad = np.ones(rows.count, bool)
        bad[rows.good] = False
        columns, _ = predict_columns(self._model, rows.columns, self.threshold)
        named = {IDENTIFIER: rows.identifiers} | {name: rows.kept.column(name) for name in rows.kept.column_names}
        named |= {column.name: arrow_column(column, columns[column.name], bad) for column in COLUMNS}
        counts = (rows.count, rows.lines, int(bad.sum()))
        result = Scored(block, b"", *counts, rows.faults, rows.unseen, rows.more_faults)
        return ScoredTable(pa.table(named), columns, result)


def _added(block: Block, pieces: Sequence[ScoredTable]) -> ScoredTable:
    """What came of a block's pieces, as that of the block."""
    return ScoredTable(
        pa.concat_tables([piece.table for piece in pieces]),
        {column.name: np.concatenate([piece.columns[column.name] for piece in pieces]) for column in COLUMNS},
        _added_results(block, [piece.result for piece in pieces]),
    )


def _added_results(block: Block, pieces: Sequence[Scored]) -> Scored:
    rows, lines, more = 0, 0, 0
    faults: list[RowFault] = []
    unseen: Counter[str] = Counter()
    for piece in pieces:
        some = piece.faults[: MAX_FAULTS - len(faults)]
        faults += [fault._replace(row=fault.row + rows, line=fault.line + lines) for fault in some]
        more += len(piece.faults) - len(some) + piece.more_faults
        rows, lines = rows + piece.rows, lines + piece.lines
        unseen.update(piece.unseen)
    return Scored(block, b"", rows, lines, sum(piece.bad_rows for piece in pieces), faults, dict(unseen), more)


@lru_cache(maxsize=4)
def scorer_of(task: Task) -> TableScorer:
    """The scorer of a task, made once in a process. Raises BundleError, or TableFaults."""
    return TableScorer(load_model(Path(task.bundle), task.digest), task.layout, task.keep, task.threshold)


def result_schema(task: Task) -> pa.Schema:
    """The columns of a task's result, for which no model is loaded. Raises BundleError, or TableFaults."""
    card = read_card(Path(task.bundle), task.digest)
    unloaded = Model(card, BatchReader(card.signature), _NoRows())
    schema = TableScorer(unloaded, task.layout, task.keep, task.threshold).schema
    return without_formulas(schema.empty_table()).schema if task.excel_safe else schema


class _NoRows:
    """Stands in for a scorer where no rows are scored."""

    def score(self, columns: Columns) -> NDArray[np.float64]:
        return np.empty(columns.rows)


def score_block(task: Task, block: Block) -> Scored:
    """One block of a task. Raises TableError where it is no table."""
    scored = scorer_of(task).score(block, task.part_format, excel_safe=task.excel_safe)
    # Arrow would keep what the largest blocks took.
    pa.default_memory_pool().release_unused()
    return scored
