"""Predictions for tables in memory: the columns of answers, a row for each row."""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from churn_api.contract.batch import Batch
from churn_api.contract.faults import Fault, FirstFaults
from churn_api.contract.record import InvalidRecord, RecordReader, identifier_names
from churn_api.contract.signature import Signature
from churn_api.python_api.frames import is_frame, names_of, to_arrow
from churn_api.registry.model import Model
from churn_api.scoring.output import COLUMNS
from churn_api.serving.arrow_columns import arrow_column
from churn_api.serving.data_plane import DataPlane, Options
from churn_api.tables.errors import TableError, TableFaults
from churn_api.tables.in_memory import read_in_memory
from churn_api.tables.read_result import Rows


class UnseenCategoryWarning(UserWarning):
    """Rows of a table have a category that training did not see, of a feature that takes such."""


def predict_table(data_plane: DataPlane, model: Model, table: Any, options: Options) -> Any:
    """Predictions for a DataFrame as one with the same index, for an Arrow table as one.

    Raises InvalidRecord where the table lacks a column, or any row is bad.
    """
    rows = _rows(table, model.reader.records)
    batch = Batch(rows.identifiers.to_pylist(), rows.columns, rows.good.tolist(), rows.count, *_faults(rows))
    answer = data_plane.predict(model, batch, options, many=True)
    _warn_of(rows.unseen)
    columns = {column.name: arrow_column(column, answer.columns[column.name]) for column in COLUMNS}
    predictions = pa.table(columns)
    if not is_frame(table):
        return predictions
    frame = predictions.to_pandas()
    frame.index = table.index
    return frame


def _rows(table: Any, records: RecordReader) -> Rows:
    wanted = _wanted(records.signature)
    try:
        if is_frame(table):
            _refuse_doubled(names_of(table), wanted)
            return read_in_memory(to_arrow(table, wanted), records, names_of(table))
        arrow = _as_table(table)
        _refuse_doubled(arrow.column_names, wanted)
        return read_in_memory(arrow, records)
    except TableFaults as error:
        raise InvalidRecord(error.faults) from None
    except TableError as error:
        raise InvalidRecord([Fault("malformed-table", f"{error}.")]) from None


def _as_table(table: Any) -> pa.Table:
    try:
        return pa.table(table)
    except pa.ArrowException as error:
        raise TypeError("a column is no table: predict_many takes mappings, a DataFrame or an Arrow table") from error


def _wanted(signature: Signature) -> frozenset[str]:
    """The columns that are read."""
    return frozenset((*(feature.name for feature in signature.features), *identifier_names(signature)))


def _refuse_doubled(names: Sequence[str], wanted: frozenset[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name in wanted]
    if twice:
        raise TableFaults([Fault("sent-twice", "Two columns have this name.", path=(name,)) for name in twice])


def _faults(rows: Rows) -> tuple[list[Fault], list[Fault], int]:
    """Of a batch: its faults, its warnings, and how many more faults there are."""
    faults = FirstFaults()
    faults.add([Fault(each.code, each.message, each.hint, (each.row, str(each.column))) for each in rows.faults])
    return faults.told, [], faults.more + rows.more_faults


def _warn_of(unseen: dict[str, int]) -> None:
    for name, count in unseen.items():
        if count:
            rows = "1 row has" if count == 1 else f"{count} rows have"
            message = f"{rows} a category of {name!r} that training did not see"
            warnings.warn(message, UnseenCategoryWarning, stacklevel=4)
