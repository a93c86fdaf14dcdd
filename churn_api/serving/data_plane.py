"""The one way to a prediction: every door hands its records in here, and observers hear of every answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from churn_api.contract.batch import Batch
from churn_api.contract.bounds import TooManyRows
from churn_api.contract.faults import MAX_TOLD, Fault
from churn_api.contract.record import InvalidRecord
from churn_api.registry.model import Model
from churn_api.scoring.output import Computed
from churn_api.serving.answer import Answer, PredictionObserver, predict_columns

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.serving.progress import Progress
    from churn_api.serving.table_scorer import Scored, TableScorer
    from churn_api.tables.file_parts import Layout


class Options(NamedTuple):
    """What a caller decides about a prediction."""

    threshold: float | None = None
    """In place of the model's own."""
    skip_bad: bool = False
    """Whether bad records are left out, rather than failing all of them."""
    keep: Sequence[str] | None = ()
    """Of a table: the columns that its result repeats; None for all."""
    max_rows: int = 0
    """Of a table: how many it may have."""


class InvalidTable(Exception):
    """A table with bad rows, none of which are to be left out; `errors` has the first faults, `more` counts others."""

    def __init__(self, progress: "Progress", errors: list[dict[str, Any]], more: int) -> None:
        super().__init__(f"{progress.bad_rows} rows are not valid")
        self.progress = progress
        self.errors = errors
        self.more = more


class TableAnswer(NamedTuple):
    """What came of a table's rows, besides their predictions."""

    threshold: float
    """The one that decided."""
    progress: "Progress"
    errors: list[dict[str, Any]]
    """The first faults of its rows."""
    more_errors: int
    seconds: float


class DataPlane:
    """Predicts. One of an application's, or of a process's."""

    def __init__(self) -> None:
        self._observers: list[PredictionObserver] = []

    def observe(self, observer: PredictionObserver) -> None:
        """Have an observer told of every answer from now on."""
        self._observers.append(observer)

    def predict(self, model: Model, batch: Batch, options: Options, *, many: bool) -> Answer:
        """Predict for the good records of a batch. Raises InvalidRecord where bad ones are not to be left out."""
        if batch.faults and not options.skip_bad:
            raise InvalidRecord(batch.faults, batch.more_faults)
        threshold = model.card.policy.at(options.threshold)
        columns, seconds = predict_columns(model, batch.columns, threshold)
        return self._notify(Answer(model, threshold, batch.identifiers, columns, batch.sent, many, seconds))

    def predict_table(
        self,
        model: Model,
        layout: "Layout",
        options: Options,
        use: Callable[["pa.Table"], None],
        admit: Callable[[int], None],
    ) -> TableAnswer:
        """Predict for the rows of a file, block by block; each block's result is handed to `use`.

        `admit` is told how many rows there are, and may raise; observers hear of the answer after it. Raises
        TooManyRows, TableError, InvalidRecord where there are no rows, or InvalidTable where bad ones are not to be
        left out.
        """
        from churn_api.serving.progress import beginning, steps
        from churn_api.serving.table_scorer import TableScorer

        _require_fewer(layout.rows or 0, options.max_rows)
        scorer = TableScorer(model, layout, options.keep, options.threshold)
        started = perf_counter()
        progress, errors, more = beginning(layout), list[dict[str, Any]](), 0
        parts: list[_Part] = []
        for step in steps(_each_block(scorer, layout, use, parts), layout, progress):
            progress = step.progress
            errors += step.errors
            more += step.scored.more_faults + len(errors[MAX_TOLD:])
            del errors[MAX_TOLD:]
            _require_fewer(progress.rows, options.max_rows)
        admit(progress.rows)
        if progress.rows == 0:
            raise InvalidRecord([Fault("empty", "Must hold at least one customer.")])
        if progress.bad_rows and not options.skip_bad:
            raise InvalidTable(progress, errors, more)
        seconds = perf_counter() - started
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        identifiers = [one for part in parts for one in part.identifiers]
        self._notify(Answer(model, scorer.threshold, identifiers, columns, progress.rows, many=True, seconds=seconds))
        return TableAnswer(scorer.threshold, progress, errors, more, seconds)

    def _notify(self, answer: Answer) -> Answer:
        for observer in self._observers:
            observer.predicted(answer)
        return answer


class _Part(NamedTuple):
    """What observers are told of a block's good rows."""

    columns: Mapping[str, Computed]
    identifiers: list[Any]


def _each_block(
    scorer: "TableScorer", layout: "Layout", use: Callable[["pa.Table"], None], parts: list[_Part]
) -> Iterator["Scored"]:
    """The results of a file's blocks, whose tables are used and let go."""
    from churn_api.tables.blocks import blocks

    for block in blocks(layout):
        scored = scorer.score_table(block)
        parts.append(_Part(scored.columns, scored.identifiers))
        use(scored.table)
        yield scored.result


def _require_fewer(rows: int, limit: int) -> None:
    if rows > limit:
        raise TooManyRows(limit)
