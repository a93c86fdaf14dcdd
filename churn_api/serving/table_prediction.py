"""Predictions for one table within a request, block by block."""

from collections.abc import Callable, Iterator
from time import perf_counter

import pyarrow as pa

from churn_api.contract.faults import Fault
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyRows
from churn_api.registry.model import Model
from churn_api.serving.answer import Answer
from churn_api.serving.prediction_options import Options
from churn_api.serving.scored_blocks import ScoredBlock
from churn_api.serving.scoring_progress import finished_blocks
from churn_api.serving.table_answer import InvalidTable, TableAnswer
from churn_api.serving.table_scorer import TableScorer
from churn_api.serving.table_totals import TableTotals
from churn_api.tables.blocks import blocks
from churn_api.tables.file_parts import Layout


class TablePrediction:
    """Predicts for the rows of one file. Raises TooManyRows where it declares too many, and TableFaults."""

    def __init__(self, model: Model, layout: Layout, options: Options, *, keep_records: bool) -> None:
        _check_limit(layout.rows or 0, options.max_rows)
        self._model = model
        self._layout = layout
        self._options = options
        self._scorer = TableScorer(
            model, layout, options.keep, options.threshold, options.reasons, keep_records=keep_records
        )
        self._totals = TableTotals(layout)
        self._seconds = 0.0

    def score(self, on_table: Callable[[pa.Table], None]) -> None:
        """Score all blocks; `on_table` receives the scored rows of each. Raises TooManyRows, TableError."""
        started = perf_counter()
        for step in finished_blocks(self._blocks(on_table), self._layout, self._totals.progress):
            self._totals.add(step)
            _check_limit(self.rows, self._options.max_rows)
        self._seconds = perf_counter() - started

    @property
    def rows(self) -> int:
        """The rows so far."""
        return self._totals.progress.rows

    def check(self) -> None:
        """Raise InvalidRecord where there are no rows, and InvalidTable where invalid ones may not be left out."""
        totals = self._totals
        if not self.rows:
            raise InvalidRecord([Fault("empty", "Must hold at least one customer.")])
        if totals.progress.bad_rows and not self._options.skip_bad:
            raise InvalidTable(totals.progress, totals.errors, totals.more_errors)

    def for_observers(self, request_id: str | None) -> Answer:
        """The answer with its predictions, as observers receive it."""
        totals, decision = self._totals, self._scorer.decision
        return Answer(
            self._model,
            decision.threshold,
            totals.identifiers,
            totals.columns,
            self.rows,
            True,
            self._seconds,
            totals.records,
            counts=totals.counts,
            policy=decision.policy,
            positions=totals.positions,
            request_id=request_id,
        )

    @property
    def answer(self) -> TableAnswer:
        """The answer without the predictions, which `on_table` has received."""
        totals, decision = self._totals, self._scorer.decision
        return TableAnswer(
            decision.threshold, totals.progress, totals.errors, totals.more_errors, self._seconds, decision.policy
        )

    def _blocks(self, on_table: Callable[[pa.Table], None]) -> Iterator[ScoredBlock]:
        """The results of the blocks; their tables are passed on and not kept."""
        for block in blocks(self._layout):
            scored = self._scorer.score_table(block)
            self._totals.add_predictions(scored)
            on_table(scored.table)
            yield scored.result


def _check_limit(rows: int, limit: int) -> None:
    if rows > limit:
        raise TooManyRows(limit)
