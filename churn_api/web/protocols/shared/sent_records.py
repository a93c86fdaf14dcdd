"""Records of a protocol's body: read leniently, with faults at their places in that body."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flask import current_app

from churn_api.contract.batch import Path
from churn_api.contract.faults import Fault
from churn_api.contract.lenient_columns import Values
from churn_api.contract.record import InvalidRecord
from churn_api.registry.model import Model
from churn_api.serving.answer import Answer
from churn_api.serving.prediction_options import Options
from churn_api.web.core.predictions import predict
from churn_api.web.core.problems import Problem, body_errors, invalid
from churn_api.web.core.rate_limits import charge_batch
from churn_api.web.core.request_record import current_request

MAX_NAMED = 3
"""Faults that an error's message names; most clients show nothing else."""

Place = Callable[[int | None, str | None], Path]
"""From a record's index and a column's name, either of which may be None, to the path in the body."""


class SentRecords(NamedTuple):
    """Records as a body has them: rows, or columns by name."""

    records: Sequence[object] | Mapping[str, Values]
    place: Place


def rows_at(*parents: str | int, rows: Sequence[object], names: Sequence[str]) -> SentRecords:
    """Rows in a list at `parents`: objects, or values by position in the order of `names`."""

    def place(index: int | None, name: str | None) -> Path:
        if index is None or name is None:
            return parents if index is None else (*parents, index)
        by_position = isinstance(rows[index], list) and name in names
        return (*parents, index, names.index(name) if by_position else name)

    return SentRecords(rows, place)


def predict_sent(model: Model, sent: SentRecords, options: Options, *, ignore_unknown: bool) -> Answer:
    """Read records and predict: one is counted as a single prediction, more as a batch.

    Raises Problem with every fault, TooManyRows, or RateLimitExceeded.
    """
    limit = current_app.config["MAX_BATCH_ROWS"]
    reader = model.lenient_reader
    try:
        if isinstance(sent.records, Mapping):
            batch = reader.read_columns(sent.records, limit, ignore_unknown=ignore_unknown)
        else:
            batch = reader.read_rows(sent.records, limit, ignore_unknown=ignore_unknown)
        charge_batch(batch.sent)
        return predict(model, batch, options, many=batch.sent > 1)
    except InvalidRecord as error:
        raise _problem(error, sent.place, reader.names) from None


def _problem(error: InvalidRecord, place: Place, names: Sequence[str]) -> Problem:
    current_request().faults = error.faults
    located = [fault._replace(path=place(*_index_and_name(fault))) for fault in error.faults]
    entries = [
        entry | ({"column": name} if name in names else {})
        for entry, (_, name) in zip(body_errors(located), map(_index_and_name, error.faults), strict=True)
    ]
    shown = " ".join(in_words(fault, names) for fault in error.faults[:MAX_NAMED])
    return invalid(entries, error.more, detail=shown)


def _index_and_name(fault: Fault) -> tuple[int | None, str | None]:
    index = next((step for step in fault.path if isinstance(step, int)), None)
    name = next((step for step in fault.path if isinstance(step, str)), None)
    return index, name


def in_words(fault: Fault, names: Sequence[str]) -> str:
    """A fault with the record that has it and its column, which is named if it is the model's."""
    index, name = _index_and_name(fault)
    column = name if name in names else None
    where = ", ".join(part for part in (None if index is None else f"record {index}", column) if part is not None)
    words = f"{where}: {fault.message}" if where else fault.message
    return f"{words} {fault.hint}" if fault.hint else words
