"""A table that a model is evaluated on, and does not learn from."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.remark import Remark
from churn_api.scoring.sklearn import to_frame
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import file_remarks, read_table, to_columns
from churn_api.training.evaluation_metrics import Labels, Weights
from churn_api.training.findings import Findings
from churn_api.training.labelled_rows import labelled_rows
from churn_api.training.preparation import TrainingData, sha256_of
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions


class Holdout(NamedTuple):
    """A prepared table of n rows."""

    columns: Columns
    frame: pd.DataFrame
    labels: Labels
    weights: Weights
    sha256: str
    known_rows: int
    """How many rows equal a row of the training table, in every feature and in the target."""


def read_holdout(path: Path, data: TrainingData, options: TrainingOptions) -> Holdout:
    """Read a table with the columns of the training data, and add what was assumed about it to the data's remarks.

    Raises TrainingError for a table that training would refuse, or that lacks a column.
    """
    try:
        return _read_holdout(path, data, options)
    except (TableError, TrainingError) as error:
        raise TrainingError(f"--holdout: {error}") from error


def _read_holdout(path: Path, data: TrainingData, options: TrainingOptions) -> Holdout:
    table = read_table(path, options.file, target=options.target)
    signature = data.signature
    _require_columns(table, [one.name for one in signature.features], signature.target.name, options.sample_weight)
    findings = Findings(remarks=file_remarks(table))
    rows = labelled_rows(table, signature.target, options, findings, purpose="evaluation")
    columns = to_columns(rows.table, signature)
    frame = to_frame(columns, signature)
    known = int(np.isin(_row_hashes(frame, rows.labels), _row_hashes(data.frame, data.labels)).sum())
    if known:
        seen = f"{known} rows equal a row of the training table in every feature and in the target"
        findings.remarks.append(Remark(seen=seen, done="kept, though the model learned from them"))
    data.remarks.extend(msgspec.structs.replace(one, seen=f"in the holdout {one.seen}") for one in findings.remarks)
    return Holdout(columns, frame, rows.labels, rows.weights, sha256_of(path), known)


def _require_columns(table: pa.Table, features: list[str], target: str, weight: str | None) -> None:
    wanted = [*features, target, *([weight] if weight else [])]
    missing = [repr(name) for name in wanted if name not in table.column_names]
    if missing:
        raise TrainingError(f"the table lacks {', '.join(missing)}")


def _row_hashes(frame: pd.DataFrame, labels: Labels) -> NDArray[np.uint64]:
    """A number for each row: equal rows have equal ones, and others very probably not."""
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy().astype(np.uint64)
    return np.asarray(2 * hashes + labels.astype(np.uint64), dtype=np.uint64)
