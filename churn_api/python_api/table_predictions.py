"""Predictions for DataFrames and Arrow tables in memory."""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from churn_api.contract.batch import Batch
from churn_api.contract.faults import Fault, FirstFaults
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Signature
from churn_api.python_api.frames import is_frame, names_of, to_arrow
from churn_api.registry.model import Model
from churn_api.scoring.output import COLUMNS
from churn_api.serving.arrow_columns import arrow_column
from churn_api.serving.data_plane import DataPlane
from churn_api.serving.prediction_options import Options
from churn_api.serving.reason_columns import reason_columns
from churn_api.tables.in_memory import read_in_memory
from churn_api.tables.read_result import ReadResult
from churn_api.tables.table_errors import TableError, TableFaults


class UnseenCategoryWarning(UserWarning):
    """Rows of a table have an out-of-vocabulary category of an open feature."""


class OutsideTrainingWarning(UserWarning):
    """Rows of a table have a number far outside the range that training saw."""


def predict_table(data_plane: DataPlane, model: Model, table: Any, options: Options) -> Any:
    """Predict for the n rows of a DataFrame or an Arrow table; returns a DataFrame with the same index, or a table.

    Raises InvalidRecord where the table lacks a column, or any row is not valid.
    """
    rows = _rows(table, model.reader.records)
    batch = Batch(rows.identifiers.to_pylist(), rows.columns, rows.good.tolist(), rows.count, *_faults(rows))
    # Of one version, as other tables are.
    answer = data_plane.predict(model, batch, options._replace(pinned=True), many=True)
    _warn(rows.unseen, UnseenCategoryWarning, "a category of {!r} that training did not see")
    outside = model.reader.outside_training.counts(rows.columns)
    _warn(outside, OutsideTrainingWarning, "a value of {!r} far outside the range that training saw")
    columns = {column.name: arrow_column(column, answer.columns[column.name]) for column in COLUMNS}
    columns |= reason_columns(answer.explained, options.reasons, np.zeros(len(rows.good), bool))
    predictions = pa.table(columns)
    if not is_frame(table):
        return predictions
    frame = predictions.to_pandas()
    frame.index = table.index
    return frame


def _rows(table: Any, records: RecordReader) -> ReadResult:
    wanted = _wanted(records.signature)
    try:
        if is_frame(table):
            _check_duplicates(names_of(table), wanted)
            return read_in_memory(to_arrow(table, wanted), records, names_of(table))
        arrow = _to_table(table)
        _check_duplicates(arrow.column_names, wanted)
        return read_in_memory(arrow, records)
    except TableFaults as error:
        raise InvalidRecord(error.faults) from None
    except TableError as error:
        raise InvalidRecord([Fault("malformed-table", f"{error}.")]) from None


def _to_table(table: Any) -> pa.Table:
    try:
        return pa.table(table)
    except pa.ArrowException as error:
        raise TypeError("a column is no table: predict_many takes mappings, a DataFrame or an Arrow table") from error


def _wanted(signature: Signature) -> frozenset[str]:
    """The names of the columns to read."""
    return frozenset((*(feature.name for feature in signature.features), *identifier_names(signature)))


def _check_duplicates(names: Sequence[str], wanted: frozenset[str]) -> None:
    duplicates = [name for name, count in Counter(names).items() if count > 1 and name in wanted]
    if duplicates:
        raise TableFaults([Fault("sent-twice", "Two columns have this name.", path=(name,)) for name in duplicates])


def _faults(rows: ReadResult) -> tuple[list[Fault], list[Fault], int]:
    """The faults, warnings and number of further faults, for a Batch."""
    faults = FirstFaults()
    faults.add([Fault(fault.code, fault.message, fault.hint, (fault.row, str(fault.column))) for fault in rows.faults])
    return faults.first, [], faults.more + rows.more_faults


def _warn(cells: dict[str, int], category: type[UserWarning], what: str) -> None:
    """Warn of the cells of each column; `what` takes its name."""
    for name, count in cells.items():
        if count:
            rows = "1 row has" if count == 1 else f"{count} rows have"
            warnings.warn(f"{rows} {what.format(name)}", category, stacklevel=4)
