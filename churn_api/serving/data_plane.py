"""The data plane: every protocol predicts through it, and observers receive every answer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from churn_api.contract.batch import Batch
from churn_api.contract.faults import Fault
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyRows
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.model import Model
from churn_api.registry.tensor_model import TensorModel
from churn_api.scoring.tensor_spec import Tensors
from churn_api.serving.answer import BY_MODEL, Answer, PredictionObserver, predict_columns
from churn_api.serving.computation import Computation
from churn_api.serving.experiment_answers import ExperimentAnswers
from churn_api.serving.experiment_observer import ExperimentObserver
from churn_api.serving.prediction_options import Options
from churn_api.serving.tensor_answer import TensorAnswer, TensorObserver

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.serving.scoring_progress import Progress
    from churn_api.serving.table_scorer import ScoredBlock, TableScorer
    from churn_api.serving.table_totals import TableTotals
    from churn_api.tables.file_parts import Layout


Beside = Callable[[Model], LoadedExperiment | None]
"""From a live version to the experiment that it is part of."""

_NO_LIMIT = nullcontext()


class InvalidTable(Exception):
    """A table with invalid rows that may not be left out; `errors` has the first faults, `more` counts the others."""

    def __init__(self, progress: "Progress", errors: list[dict[str, Any]], more: int) -> None:
        super().__init__(f"{progress.bad_rows} rows are not valid")
        self.progress = progress
        self.errors = errors
        self.more = more


class TableAnswer(NamedTuple):
    """The result of scoring a table, without the predictions themselves."""

    threshold: float | None
    """The threshold that was applied; None where it differs by customer."""
    progress: "Progress"
    errors: list[dict[str, Any]]
    """The first faults of the rows."""
    more_errors: int
    seconds: float
    policy: int | None
    """The version of the costs that the threshold follows from; None where it follows from none."""


class DataPlane:
    """Predicts, and notifies observers. Create one per application or process."""

    def __init__(
        self,
        max_seconds: float | None = None,
        computation: Computation = BY_MODEL,
        beside: Beside = lambda _: None,
    ) -> None:
        """`max_seconds` is the time that one scoring may take; None for no limit, but for that of tensor models."""
        self._max_seconds = max_seconds
        self._computation = computation
        self._beside = beside
        self._experiments = ExperimentAnswers(self._notify)
        self._observers: list[PredictionObserver] = []
        self._tensor_observers: list[TensorObserver] = []
        self.keep_records = False
        """Whether observers receive the records of tables, too."""

    def observe(self, observer: PredictionObserver) -> None:
        """Register an observer of every later answer."""
        self._observers.append(observer)

    def observe_tensors(self, observer: TensorObserver) -> None:
        """Register an observer of every later answer of a tensor model."""
        self._tensor_observers.append(observer)

    def observe_experiments(self, observer: ExperimentObserver) -> None:
        """Register an observer of what happens in experiments."""
        self._experiments.observe(observer)

    def drain(self) -> bool:
        """Wait for shadows that are still to be scored, some seconds at most; returns whether none are left."""
        return self._experiments.drain()

    def predict(
        self, model: Model, batch: Batch, options: Options, *, many: bool, request_id: str | None = None
    ) -> Answer:
        """Predict for the valid records of a batch. While an experiment runs, the challenger takes part.

        Raises InvalidRecord where invalid records may not be left out, NoReasons where the model cannot give any, and
        RunTooLong.
        """
        if batch.faults and not options.skip_bad:
            raise InvalidRecord(batch.faults, batch.more_faults)
        found = None if options.pinned else self._beside(model)
        if found is None:
            return self._notify(self._score(model, batch, options, many=many, request_id=request_id))
        score = partial(self._score, many=many, request_id=request_id)
        return self._experiments.predict(found, model, batch, options, score)

    def run_tensors(self, model: TensorModel, tensors: Tensors, outputs: Sequence[str], *, many: bool) -> TensorAnswer:
        """Compute outputs of a tensor model, by default all, from tensors that fit its card.

        Raises RunFailed, RunTooLong among them.
        """
        # Imported here and below: it loads ONNX Runtime, which a process that only reads files does not need.
        from churn_api.scoring.run_limit import scoring_limit

        started = perf_counter()
        with scoring_limit(self._max_seconds):
            computed = model.run(tensors, outputs)
        rows = len(next(iter(tensors.values()))) if model.card.has_free_rows else 1
        return self._notify_of_tensors(TensorAnswer(model, computed, None, rows, many, perf_counter() - started))

    def classify(self, model: TensorModel, rows: NDArray[Any], *, many: bool) -> TensorAnswer:
        """Compute the probabilities of a tensor model's labels, for n rows of its one input.

        Raises RunFailed, RunTooLong among them.
        """
        from churn_api.scoring.run_limit import scoring_limit

        started = perf_counter()
        with scoring_limit(self._max_seconds):
            probabilities = model.probabilities(rows)
        seconds = perf_counter() - started
        return self._notify_of_tensors(TensorAnswer(model, {}, probabilities, len(rows), many, seconds))

    def predict_table(
        self,
        model: Model,
        layout: "Layout",
        options: Options,
        on_table: Callable[["pa.Table"], None],
        check_rows: Callable[[int], None],
        *,
        request_id: str | None = None,
    ) -> TableAnswer:
        """Predict for the rows of a file, block by block; `on_table` receives the scored rows of each block.

        `check_rows` receives the number of rows and may raise; observers receive the answer after that. Raises
        TooManyRows, TableError, RunTooLong, InvalidRecord where there are no rows, or InvalidTable where invalid rows
        may not be left out.
        """
        from churn_api.serving.scoring_progress import finished_blocks
        from churn_api.serving.table_scorer import TableScorer
        from churn_api.serving.table_totals import TableTotals

        _check_limit(layout.rows or 0, options.max_rows)
        scorer = TableScorer(
            model, layout, options.keep, options.threshold, options.reasons, keep_records=self.keep_records
        )
        started, totals = perf_counter(), TableTotals(layout)
        with self._limited():
            for step in finished_blocks(_score_blocks(scorer, layout, on_table, totals), layout, totals.progress):
                totals.add(step)
                _check_limit(totals.progress.rows, options.max_rows)
        progress, seconds = totals.progress, perf_counter() - started
        check_rows(progress.rows)
        if progress.rows == 0:
            raise InvalidRecord([Fault("empty", "Must hold at least one customer.")])
        if progress.bad_rows and not options.skip_bad:
            raise InvalidTable(progress, totals.errors, totals.more_errors)
        threshold, policy, *_ = scorer.decision
        self._notify(
            Answer(
                model,
                threshold,
                totals.identifiers,
                totals.columns,
                progress.rows,
                True,
                seconds,
                totals.records,
                counts=totals.counts,
                policy=policy,
                positions=totals.positions,
                request_id=request_id,
            )
        )
        return TableAnswer(threshold, progress, totals.errors, totals.more_errors, seconds, policy)

    def _score(self, model: Model, batch: Batch, options: Options, *, many: bool, request_id: str | None) -> Answer:
        with self._limited():
            scored = predict_columns(model, batch.columns, options.threshold, options.reasons, self._computation)
        return Answer(
            model,
            scored.threshold,
            batch.identifiers,
            scored.columns,
            batch.sent,
            many,
            scored.seconds,
            batch.columns,
            explained=scored.explained,
            policy=scored.policy,
            request_id=request_id,
            positions=batch.positions if len(batch.positions) < batch.sent else None,
        )

    def _notify_of_tensors(self, answer: TensorAnswer) -> TensorAnswer:
        for observer in self._tensor_observers:
            observer.tensors_predicted(answer)
        return answer

    def _limited(self) -> AbstractContextManager[None]:
        if self._max_seconds is None:
            return _NO_LIMIT
        from churn_api.scoring.run_limit import scoring_limit

        return scoring_limit(self._max_seconds)

    def _notify(self, answer: Answer) -> Answer:
        for observer in self._observers:
            observer.predicted(answer)
        return answer


def _score_blocks(
    scorer: "TableScorer", layout: "Layout", on_table: Callable[["pa.Table"], None], totals: "TableTotals"
) -> Iterator["ScoredBlock"]:
    """The results of a file's blocks; their tables are passed to `on_table` and not kept."""
    from churn_api.tables.blocks import blocks

    for block in blocks(layout):
        scored = scorer.score_table(block)
        totals.add_predictions(scored)
        on_table(scored.table)
        yield scored.result


def _check_limit(rows: int, limit: int) -> None:
    if rows > limit:
        raise TooManyRows(limit)
