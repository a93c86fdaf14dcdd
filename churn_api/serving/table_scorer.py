"""One block of a table -> the scored part: requests, local processes and Dask workers use the same function."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, concatenate
from churn_api.contract.feature_attributes import IDENTIFIER
from churn_api.registry.bundle import read_card
from churn_api.registry.decision import CostsInForce
from churn_api.registry.model import Model, load_model
from churn_api.scoring.output import COLUMNS, PREDICTION, PROBABILITY, RESERVED_NAMES
from churn_api.serving.answer import predict_columns
from churn_api.serving.arrow_columns import arrow_column
from churn_api.serving.call_list_options import CallList
from churn_api.serving.listed_rows import ListedRows
from churn_api.serving.predicted_rows import LogMode, PredictedRows
from churn_api.serving.reason_columns import reason_columns, reason_names
from churn_api.serving.scored_blocks import ScoredBlock, ScoredTable, concatenated
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.formats import FORMATS
from churn_api.tables.formulas import without_formulas
from churn_api.tables.writers import encode


class ScoringTask(NamedTuple):
    """How to score every block of one file. It can be pickled, for another process that sees the same files."""

    bundle: str
    """The folder of the model's version."""
    digest: str
    layout: Layout
    keep: tuple[str, ...] | None
    """Input columns to copy into the result; None for all."""
    threshold: float | None
    result_format: str
    part_format: str
    excel_safe: bool = False
    """Whether to mark text that begins like a formula as text."""
    reasons: int = 0
    """How many reasons each row gets."""
    costs: CostsInForce | None = None
    """What decides instead of the card's threshold."""
    log_mode: LogMode = "off"
    """What of the predictions the results have, for the prediction log."""
    call_list: CallList | None = None
    """To list customers to call, in place of all: a part then has those of a block."""


class TableScorer:
    """Scores the blocks of one file with one model. Raises TableFaults where the columns do not match the signature."""

    def __init__(
        self,
        model: Model,
        layout: Layout,
        keep: Sequence[str] | None,
        threshold: float | None,
        reasons: int = 0,
        *,
        keep_records: bool = False,
        call_list: CallList | None = None,
    ) -> None:
        self._model = model
        self._reasons = reasons
        self._list = None if call_list is None else ListedRows(call_list, model.card.signature, layout.names, keep)
        reserved = RESERVED_NAMES | {*reason_names(reasons)}
        if self._list is not None:
            keep, reserved = self._list.keep, self._list.reserved(reserved)
        self._threshold = threshold
        self.decision = model.decided_by(threshold)
        self._keep_records = keep_records
        self._rows = FORMATS[layout.format].reader(model.reader.records, layout, keep, reserved)
        self._format = FORMATS[layout.format]
        self._empty_block = Block(0, layout.start, layout.start)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the result."""
        scored = self._score_piece(self._empty_block)
        return scored.table.schema if self._list is None else self._list.schema(scored)

    def score(
        self, block: Block, part_format: str, *, excel_safe: bool = False, log_mode: LogMode = "off"
    ) -> ScoredBlock:
        """Score a block and encode its part of the result. Raises TableError where the block is not a table."""
        scored = self.score_table(block)
        if self._list is not None:
            part = self._list.part(scored)
        else:
            part = encode(without_formulas(scored.table) if excel_safe else scored.table, part_format)
        predicted = None if log_mode == "off" else self._predicted(scored)
        return scored.result._replace(part=part, predicted=predicted)

    def _predicted(self, scored: ScoredTable) -> PredictedRows:
        return PredictedRows(
            self.decision.threshold,
            scored.identifiers,
            np.asarray(scored.columns[PROBABILITY.name]),
            np.asarray(scored.columns[PREDICTION.name]),
            scored.good if scored.result.bad_rows else None,
            self._model.card.signature,
            concatenate(scored.records) if self._keep_records else None,
        )

    def score_table(self, block: Block) -> ScoredTable:
        """Score a block; invalid rows get null predictions. Raises TableError where the block is not a table."""
        pieces = [self._score_piece(piece) for piece in self._format.pieces(block)]
        return pieces[0] if len(pieces) == 1 else concatenated(block, pieces)

    def _score_piece(self, block: Block) -> ScoredTable:
        rows = self._rows.read(block)
        bad = np.ones(rows.count, bool)
        bad[rows.good] = False
        # A table without valid rows has its columns all the same, without a model that could explain.
        scored = predict_columns(self._model, rows.columns, self._threshold, self._reasons if rows.columns.rows else 0)
        columns = scored.columns
        named = {IDENTIFIER: rows.identifiers} | {name: rows.kept.column(name) for name in rows.kept.column_names}
        named |= {column.name: arrow_column(column, columns[column.name], bad) for column in COLUMNS}
        named |= reason_columns(scored.explained, self._reasons, bad)
        counts = (rows.count, rows.lines, int(bad.sum()))
        outside = self._model.reader.outside_training.counts(rows.columns)
        bins = self._model.bins
        binned = None if bins is None else bins.count_sample(rows.columns, np.asarray(columns[PROBABILITY.name]))
        result = ScoredBlock(block, b"", *counts, rows.faults, rows.unseen, outside, rows.more_faults, binned)
        records = [rows.columns] if self._keep_records else []
        worth = None if self._list is None else self._list.worth(rows.columns, rows.kept, bad)
        if self._list is not None:
            named.pop(self._list.only_read, None)
        return ScoredTable(pa.table(named), columns, result, records, rows.good, worth)


@lru_cache(maxsize=4)
def cached_scorer(task: ScoringTask) -> TableScorer:
    """The scorer of a task, created once per process. Raises BundleError or TableFaults."""
    model = load_model(Path(task.bundle), task.digest).with_costs(task.costs)
    keep_records = task.log_mode == "records"
    return _scorer(task, model, keep_records=keep_records)


def _scorer(task: ScoringTask, model: Model, *, keep_records: bool = False) -> TableScorer:
    return TableScorer(
        model,
        task.layout,
        task.keep,
        task.threshold,
        task.reasons,
        keep_records=keep_records,
        call_list=task.call_list,
    )


def result_schema(task: ScoringTask) -> pa.Schema:
    """The columns of a task's result, without loading the model. Raises BundleError or TableFaults."""
    card = read_card(Path(task.bundle), task.digest)
    unloaded = Model.of(card, _NullScorer()).with_costs(task.costs)
    schema = _scorer(task, unloaded).schema
    return without_formulas(schema.empty_table()).schema if task.excel_safe else schema


def encode_result(task: ScoringTask, table: pa.Table) -> bytes:
    """Encode rows of the result of a task as one part."""
    return encode(without_formulas(table) if task.excel_safe else table, task.part_format)


class _NullScorer:
    """A scorer for zero rows, in place of a loaded model."""

    def score(self, columns: Columns) -> NDArray[np.float64]:
        return np.empty(columns.rows)


def score_block(task: ScoringTask, block: Block) -> ScoredBlock:
    """Score one block of a task. Raises TableError where the block is not a table."""
    scored = cached_scorer(task).score(block, task.part_format, excel_safe=task.excel_safe, log_mode=task.log_mode)
    # Otherwise Arrow keeps the memory of the largest block.
    pa.default_memory_pool().release_unused()
    return scored
