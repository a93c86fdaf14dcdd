"""A table -> what a pipeline is fitted on: signature, columns, labels, and what was odd."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.columns import Columns
from churn_api.contract.signature import IDENTIFIER, Signature, SignatureError, Target
from churn_api.scoring.output import refuse_reserved_names
from churn_api.scoring.sklearn import to_frame
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.inference import infer_signature, infer_target, infer_type, require_column
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training import data_checks
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.training_error import TrainingError

MIN_ROWS = 50
MIN_ROWS_A_CLASS = 10


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What the data scientist decides about a table; the rest is inferred from it."""

    target: str
    positive: str | None = None
    identifier: str | None = None
    exclude: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    signature: Signature | None = None
    """Declared rather than inferred; then nothing but the target is chosen."""


class TrainingData(NamedTuple):
    """A table, ready to be learned from."""

    signature: Signature
    columns: Columns
    frame: pd.DataFrame
    labels: Labels
    warnings: list[str]
    sha256: str


@dataclass
class _Remarks:
    warnings: list[str] = field(default_factory=list)
    leave_out: list[str] = field(default_factory=list)

    def drop(self, names: list[str], why: str) -> None:
        """Name columns that the model does without."""
        self.leave_out += names
        self.warnings += [f"column {name!r} {why}" for name in names]


def prepare(path: Path, choices: TrainingOptions) -> TrainingData:
    """Read a table and check it. Raises TrainingError for a table that no model can be made from."""
    try:
        return _prepare(path, choices)
    except (TableError, SignatureError) as error:
        raise TrainingError(str(error)) from error


def _prepare(path: Path, choices: TrainingOptions) -> TrainingData:
    table = read_table(path)
    target = _target(table, choices)
    if choices.signature:
        # Every row, those without a target too: what is refused in a request is refused in training.
        to_columns(table, choices.signature)
    remarks = _Remarks()
    table, labels = _labelled(table, target, remarks)
    _require_enough(labels, target)
    duplicates = data_checks.duplicate_rows(table)
    if duplicates:
        remarks.warnings.append(f"{duplicates} rows stand in the table more than once")
    signature = choices.signature or _inferred(table, target, choices, remarks)
    refuse_reserved_names(signature)
    columns = to_columns(table, signature)
    frame = to_frame(columns, signature)
    remarks.warnings += [
        f"column {name!r} gives the target away: if it is known only afterwards, train with --exclude {name!r}"
        for name in data_checks.target_leakage(frame, labels)
    ]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TrainingData(signature, columns, frame, labels, remarks.warnings, digest)


def _target(table: pa.Table, choices: TrainingOptions) -> Target:
    require_column(table, choices.target)
    if choices.signature is None:
        return infer_target(table, choices.target, choices.positive)
    declared = choices.signature.target
    if declared.name != choices.target:
        raise TrainingError(f"the signature's target is {declared.name!r}, not {choices.target!r}")
    return declared


def _labelled(table: pa.Table, target: Target, remarks: _Remarks) -> tuple[pa.Table, Labels]:
    """The rows that have a target, and that target as 0 and 1."""
    texts = trimmed(as_text(table.column(target.name)))
    blank = texts.null_count
    if blank:
        remarks.warnings.append(f"{blank} rows have no {target.name!r} and were dropped")
    kept = pc.is_valid(texts)
    table, texts = table.filter(kept), texts.filter(kept)
    other = pc.index(pc.is_in(texts, value_set=pa.array([target.positive, target.negative])), False).as_py()
    if other >= 0:
        raise TrainingError(
            f"target {target.name!r} is neither {target.positive!r} nor {target.negative!r} in every row"
        )
    return table, pc.equal(texts, target.positive).to_numpy(zero_copy_only=False).astype(np.int64)


def _require_enough(labels: Labels, target: Target) -> None:
    if len(labels) < MIN_ROWS:
        raise TrainingError(f"the table has {len(labels)} rows with a target; training needs at least {MIN_ROWS}")
    for label, count in ((target.positive, int(labels.sum())), (target.negative, int((1 - labels).sum()))):
        if count == 0:
            raise TrainingError(f"target {target.name!r} has one class only: no row is {label!r}")
        if count < MIN_ROWS_A_CLASS:
            raise TrainingError(
                f"only {count} rows are {label!r}; training needs at least {MIN_ROWS_A_CLASS} of each class"
            )


def _inferred(table: pa.Table, target: Target, choices: TrainingOptions, remarks: _Remarks) -> Signature:
    identifier = choices.identifier or (IDENTIFIER if IDENTIFIER in table.column_names else None)
    names = [name for name in table.column_names if name not in {target.name, identifier, *choices.exclude}]
    remarks.drop(data_checks.constant_columns(table, names), "is the same in every row: left out")
    names = [name for name in names if name not in remarks.leave_out]
    numbers = data_checks.text_that_was_numbers(table, names)
    remarks.warnings += [f"column {name!r} is read as text, though most of its cells are numbers" for name in numbers]
    _remark_on_identifiers(table, [name for name in names if name not in numbers], remarks)
    leave_out = [*choices.exclude, *(name for name in remarks.leave_out if name not in choices.opened)]
    return infer_signature(table, target, identifier, leave_out=leave_out, opened=choices.opened)


def _remark_on_identifiers(table: pa.Table, names: list[str], remarks: _Remarks) -> None:
    """Text that is different in every row can be nothing else; a number might be a measurement, so it stays."""
    alike = data_checks.identifier_like(table, names)
    words = [name for name in alike if infer_type(table.column(name)) == "string"]
    remarks.drop(words, "looks like an identifier: left out (name it with --id to have it in answers)")
    remarks.warnings += [
        f"column {name!r} looks like an identifier: if it is one, train with --exclude {name!r}"
        for name in alike
        if name not in words
    ]
