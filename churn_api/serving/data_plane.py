"""The data plane: every protocol predicts through it, and observers receive every answer."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from churn_api.contract.batch import Batch
from churn_api.contract.record import InvalidRecord
from churn_api.registry.challengers import LoadedExperiment
from churn_api.registry.model import Model
from churn_api.registry.tensor_model import TensorModel
from churn_api.scoring.tensor_spec import Tensors
from churn_api.serving.answer import BY_MODEL, Answer, PredictionObserver, predict_columns
from churn_api.serving.computation import Computation
from churn_api.serving.experiment_answers import ExperimentAnswers
from churn_api.serving.experiment_observer import ExperimentObserver
from churn_api.serving.prediction_options import Options
from churn_api.serving.table_answer import TableAnswer
from churn_api.serving.tensor_answer import TensorAnswer, TensorObserver

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.tables.file_parts import Layout


ExperimentOf = Callable[[Model], LoadedExperiment | None]
"""From a live version to the experiment that it is part of."""

_NO_LIMIT = nullcontext()


class DataPlane:
    """Predicts, and notifies observers. Create one per application or process."""

    def __init__(
        self,
        max_seconds: float | None = None,
        computation: Computation = BY_MODEL,
        experiment_of: ExperimentOf = lambda _: None,
    ) -> None:
        """`max_seconds` is the time that one scoring may take; None for no limit, but for that of tensor models."""
        self._max_seconds = max_seconds
        self._computation = computation
        self._experiment_of = experiment_of
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
        running = None if options.pinned else self._experiment_of(model)
        if running is None:
            return self._notify(self._score(model, batch, options, many=many, request_id=request_id))
        score = partial(self._score, many=many, request_id=request_id)
        return self._experiments.predict(running, model, batch, options, score)

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
        # Imported here: it loads Arrow, which a process without tables does not need.
        from churn_api.serving.table_prediction import TablePrediction

        table = TablePrediction(model, layout, options, keep_records=self.keep_records)
        with self._limited():
            table.score(on_table)
        check_rows(table.rows)
        table.check()
        self._notify(table.for_observers(request_id))
        return table.answer

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
