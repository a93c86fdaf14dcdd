"""A table -> training data: signature, columns, labels, and warnings about the table."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.columns import Columns
from churn_api.contract.remark import Remark
from churn_api.contract.signature import IDENTIFIER, Signature, SignatureError, Target
from churn_api.scoring.output import refuse_reserved_names
from churn_api.scoring.sklearn import to_frame
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.inference import infer_signature, infer_target, infer_type, require_column
from churn_api.tables.notation_inference import NotationOptions, infer_notations
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training import data_checks
from churn_api.training.declared_ranges import Range, with_ranges
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.training_error import TrainingError

MIN_ROWS = 50
MIN_ROWS_A_CLASS = 10


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What the data scientist decides about a table; everything else is inferred from it."""

    target: str
    positive: str | None = None
    identifier: str | None = None
    exclude: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    notation: NotationOptions = field(default_factory=NotationOptions)
    as_of: date | None = None
    """The day from which models count dates back; by default the latest date in the table."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """By column, the numbers that are valid; others are refused."""
    signature: Signature | None = None
    """A declared signature; the other options, except the target, are then unused."""


class TrainingData(NamedTuple):
    """A prepared table of n rows."""

    signature: Signature
    columns: Columns
    frame: pd.DataFrame
    labels: Labels
    remarks: list[Remark]
    sha256: str


@dataclass
class _Findings:
    remarks: list[Remark] = field(default_factory=list)
    leave_out: list[str] = field(default_factory=list)

    def drop(self, names: Iterable[str], seen: str, option: str | None = None) -> None:
        """Leave out columns, with a remark each."""
        names = list(names)
        self.leave_out += names
        self.remarks += [Remark(column=name, seen=seen, done="left out", option=option) for name in names]

    def keep(self, names: Iterable[str], seen: str, done: str) -> None:
        """Keep suspicious columns, with a remark each that says how to leave them out."""
        self.remarks += [Remark(column=name, seen=seen, done=done, option=f"--exclude {name!r}") for name in names]


def prepare(path: Path, options: TrainingOptions) -> TrainingData:
    """Read a table and check it. Raises TrainingError for a table that cannot be used for training."""
    try:
        return _prepare(path, options)
    except (TableError, SignatureError) as error:
        raise TrainingError(str(error)) from error


def _prepare(path: Path, options: TrainingOptions) -> TrainingData:
    table = read_table(path)
    target = _target(table, options)
    if options.signature:
        # Every row, including those without a target: training rejects what a request would reject.
        to_columns(table, options.signature)
    findings = _Findings()
    table, labels = _labelled(table, target, findings)
    _require_enough(labels, target)
    duplicates = data_checks.duplicate_rows(table)
    if duplicates:
        findings.remarks.append(Remark(seen=f"{duplicates} rows occur in the table more than once", done="kept"))
    signature = options.signature or _inferred(table, target, options, findings)
    refuse_reserved_names(signature)
    columns = to_columns(table, signature)
    frame = to_frame(columns, signature)
    leaking = data_checks.target_leakage(frame, labels)
    findings.keep(leaking, "gives the target away", "kept; leave it out if it is known only afterwards")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TrainingData(signature, columns, frame, labels, findings.remarks, digest)


def _target(table: pa.Table, options: TrainingOptions) -> Target:
    require_column(table, options.target)
    if options.signature is None:
        return infer_target(table, options.target, options.positive)
    declared = options.signature.target
    if declared.name != options.target:
        raise TrainingError(f"the signature's target is {declared.name!r}, not {options.target!r}")
    return declared


def _labelled(table: pa.Table, target: Target, findings: _Findings) -> tuple[pa.Table, Labels]:
    """The n rows that have a target, and the target as 0 and 1, shape (n,)."""
    texts = trimmed(as_text(table.column(target.name)))
    blank = texts.null_count
    if blank:
        findings.remarks.append(Remark(seen=f"{blank} rows have no {target.name!r}", done="dropped"))
    kept = pc.is_valid(texts)
    table, texts = table.filter(kept), texts.filter(kept)
    invalid = pc.index(pc.is_in(texts, value_set=pa.array([target.positive, target.negative])), False).as_py()
    if invalid >= 0:
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


def _inferred(table: pa.Table, target: Target, options: TrainingOptions, findings: _Findings) -> Signature:
    written = infer_notations(table, options.notation)
    table = written.plain
    identifier = options.identifier or (IDENTIFIER if IDENTIFIER in table.column_names else None)
    names = [name for name in table.column_names if name not in {target.name, identifier, *options.exclude}]
    findings.remarks += [remark for remark in written.remarks if remark.column in names]
    findings.drop(data_checks.constant_columns(table, names), "is the same in every row")
    for name in sorted(written.ambiguous_dates.keys() & set(names) - set(findings.leave_out)):
        formats = " or ".join(written.ambiguous_dates[name][:2])
        findings.drop([name], f"has dates written as {formats}", f"--date-format {written.ambiguous_dates[name][0]}")
    names = [name for name in names if name not in findings.leave_out]
    numbers = data_checks.text_that_was_numbers(table, names)
    findings.keep(numbers, "is read as text, though most of its cells are numbers", "kept as categories")
    _check_identifiers(table, [name for name in names if name not in numbers], findings)
    leave_out = [*options.exclude, *(name for name in findings.leave_out if name not in options.opened)]
    signature = infer_signature(
        table,
        target,
        identifier,
        leave_out=leave_out,
        opened=options.opened,
        notations=written.notations,
        text=options.notation.text,
        as_of=options.as_of,
    )
    return with_ranges(signature, options.ranges)


def _check_identifiers(table: pa.Table, names: list[str], findings: _Findings) -> None:
    """Leave out text that is distinct in every row; only warn of such numbers, which may be measurements."""
    suspects = data_checks.identifier_like(table, names)
    words = [name for name in suspects if infer_type(table.column(name)) == "string"]
    findings.drop(words, "looks like an identifier", "name it with --id to have it in answers")
    numbers = [name for name in suspects if name not in words]
    findings.keep(numbers, "looks like an identifier", "kept, since it may be a measurement")
