"""One block of a table -> its scored part: the same function in a request, in another process and on a cluster."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.batch import BatchReader
from churn_api.contract.columns import Columns
from churn_api.contract.signature import IDENTIFIER, RESERVED_NAMES
from churn_api.jobs.files import JobFiles
from churn_api.registry.bundle import read_card
from churn_api.registry.model import Model, load_model
from churn_api.scoring.output import BANDS
from churn_api.tables.blocks import Block
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import Layout
from churn_api.tables.reader import RowFault, Rows, RowsReader
from churn_api.tables.writers import encode

_BANDS = pa.array(BANDS)


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


class TableScorer:
    """Scores the blocks of one file with one model. Raises TableFaults where the file's columns do not fit."""

    def __init__(self, model: Model, layout: Layout, keep: Sequence[str] | None, threshold: float | None) -> None:
        self._model = model
        self._policy = model.card.policy
        self._threshold = self._policy.at(threshold)
        self._rows = RowsReader(model.reader.records, layout, keep, RESERVED_NAMES)
        self._format = FORMATS[layout.format]
        self._nothing = Block(0, layout.start, layout.start)

    @property
    def schema(self) -> pa.Schema:
        """The result's columns, found by scoring no rows."""
        return self._table(self._rows.read(self._nothing)).schema

    def score(self, block: Block, part_format: str) -> Scored:
        """A block's part of the result. Raises TableError where the block is no table."""
        table, scored = self.score_table(block)
        return scored._replace(part=encode(table, part_format))

    def score_table(self, block: Block) -> tuple[pa.Table, Scored]:
        """A row for each row of a block, in order, a bad one without scores; and what was found. Raises TableError."""
        tables, scored = zip(*map(self._score_piece, self._format.pieces(block)), strict=True)
        return pa.concat_tables(tables), _added(block, scored)

    def _score_piece(self, block: Block) -> tuple[pa.Table, Scored]:
        rows = self._rows.read(block)
        bad = rows.count - len(rows.good)
        return self._table(rows), Scored(block, b"", rows.count, rows.lines, bad, rows.faults, rows.unseen)

    def _table(self, rows: Rows) -> pa.Table:
        probabilities = np.full(rows.count, np.nan)
        probabilities[rows.good] = self._model.score(rows.columns)
        bad = np.isnan(probabilities)
        named = {IDENTIFIER: rows.identifiers} | {name: rows.kept.column(name) for name in rows.kept.column_names}
        return pa.table(named | self._decided(probabilities, bad))

    def _decided(self, probabilities: NDArray[np.float64], bad: NDArray[np.bool_]) -> dict[str, pa.Array]:
        codes = pa.array(self._policy.band_codes(probabilities).astype(np.int8), mask=bad)
        return {
            "churn_prediction": pa.array((probabilities >= self._threshold).astype(np.int8), mask=bad),
            "churn_probability": pa.array(probabilities, mask=bad),
            "risk_band": _BANDS.take(codes),
        }


def _added(block: Block, pieces: Sequence[Scored]) -> Scored:
    """What was found in a block's pieces, as that of the block."""
    rows, lines = 0, 0
    faults: list[RowFault] = []
    unseen: Counter[str] = Counter()
    for piece in pieces:
        faults += [fault._replace(row=fault.row + rows, line=fault.line + lines) for fault in piece.faults]
        rows, lines = rows + piece.rows, lines + piece.lines
        unseen.update(piece.unseen)
    return Scored(block, b"", rows, lines, sum(piece.bad_rows for piece in pieces), faults, dict(unseen))


@lru_cache(maxsize=4)
def scorer_of(task: Task) -> TableScorer:
    """The scorer of a task, made once in a process. Raises BundleError, or TableFaults."""
    return TableScorer(load_model(Path(task.bundle), task.digest), task.layout, task.keep, task.threshold)


def result_schema(task: Task) -> pa.Schema:
    """The columns of a task's result, for which no model is loaded. Raises BundleError, or TableFaults."""
    card = read_card(Path(task.bundle), task.digest)
    unloaded = Model(card, BatchReader(card.signature), _NoRows())
    return TableScorer(unloaded, task.layout, task.keep, task.threshold).schema


class _NoRows:
    """Stands in for a scorer where no rows are scored."""

    def score(self, columns: Columns) -> NDArray[np.float64]:
        return np.empty(columns.rows)


def score_block(task: Task, block: Block) -> Scored:
    """One block of a task. Raises TableError where it is no table."""
    scored = scorer_of(task).score(block, task.part_format)
    # Arrow would keep what the largest blocks took.
    pa.default_memory_pool().release_unused()
    return scored


def score_into(task: Task, files: JobFiles, block: Block) -> Scored:
    """Score a block and put its part into the job's folder, where it is computed. Raises TableError or OSError."""
    scored = score_block(task, block)
    files.write_part(block.number, scored.part)
    return scored._replace(part=b"")
