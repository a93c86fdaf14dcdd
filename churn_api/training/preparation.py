"""A table -> training data: signature, columns, labels, and warnings about the table."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from churn_api.contract.signature import IDENTIFIER, MAX_NAME_LENGTH, Signature, SignatureError, Target
from churn_api.scoring.output import refuse_reserved_names
from churn_api.scoring.sklearn import to_frame
from churn_api.tables.inference import infer_signature, require_column
from churn_api.tables.notation_inference import NotationOptions, infer_notations
from churn_api.tables.read_options import AS_IT_IS, ReadOptions
from churn_api.tables.table_errors import TableError
from churn_api.tables.target import in_group, infer_target, target_texts
from churn_api.tables.training_table import file_remarks, index_names, read_table, row_number, to_columns
from churn_api.training import data_checks
from churn_api.training.collinearity import HIGH_CORRELATION, correlated_groups, twins
from churn_api.training.declared_ranges import Range, with_ranges
from churn_api.training.evaluation_metrics import Labels
from churn_api.training.identifier_checks import identifier_evidence, may_identify
from churn_api.training.training_error import TrainingError

MIN_ROWS = 50
MIN_ROWS_A_CLASS = 10


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What the data scientist decides about a table; everything else is inferred from it."""

    target: str
    positive: str | None = None
    """The label that means churn; several are separated by commas."""
    negative: str | None = None
    drop_label: tuple[str, ...] = ()
    """Labels of the target whose rows are dropped."""
    identifier: str | None = None
    exclude: tuple[str, ...] = ()
    split_columns: tuple[str, ...] = ()
    """Columns that are no features, and are kept with the rows: what folds depend on."""
    include: tuple[str, ...] = ()
    """Columns to keep that would be left out."""
    accept_leakage: tuple[str, ...] = ()
    """Columns that may determine the target by themselves: they are known before the outcome."""
    opened: tuple[str, ...] = ()
    file: ReadOptions = AS_IT_IS
    notation: NotationOptions = field(default_factory=NotationOptions)
    as_of: date | None = None
    """The day from which models count dates back; by default the latest date in the table."""
    ranges: Mapping[str, Range] = field(default_factory=dict)
    """By column, the numbers that are valid; others are refused."""
    signature: Signature | None = None
    """A declared signature. The other options about columns, except `accept_leakage`, are then unused."""


class TrainingData(NamedTuple):
    """A prepared table of n rows."""

    signature: Signature
    columns: Columns
    frame: pd.DataFrame
    labels: Labels
    remarks: list[Remark]
    sha256: str
    split_columns: dict[str, pa.ChunkedArray]
    """Columns of n cells that are no features, by name."""


@dataclass
class _Findings:
    wanted: frozenset[str] = frozenset()
    """Columns to keep, whatever they look like."""
    remarks: list[Remark] = field(default_factory=list)
    leave_out: list[str] = field(default_factory=list)

    def drop(self, name: str, seen: str, option: str | None = None) -> None:
        """Leave out a column that is not wanted, with a remark."""
        if name not in self.wanted:
            self.leave_out.append(name)
            self.remarks.append(Remark(column=name, seen=seen, done="left out", option=option))

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
    table = read_table(path, options.file)
    target = _target(table, options)
    for name in options.split_columns:
        require_column(table, name)
    if options.signature:
        # Every row, including those without a target: training rejects what a request would reject.
        to_columns(table, options.signature)
    findings = _Findings(frozenset(options.opened + options.include), file_remarks(table))
    table, labels = _labelled(table, target, options.drop_label, findings)
    _require_enough(labels, target)
    duplicates = data_checks.duplicate_rows(table)
    if duplicates:
        findings.remarks.append(Remark(seen=f"{duplicates} rows occur in the table more than once", done="kept"))
    signature = options.signature or _inferred(table, target, options, findings)
    refuse_reserved_names(signature)
    columns = to_columns(table, signature)
    frame = to_frame(columns, signature)
    _check_leakage(frame, labels, options, findings)
    _report_alike(frame, signature, findings)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    split_columns = {name: table.column(name) for name in options.split_columns}
    return TrainingData(signature, columns, frame, labels, findings.remarks, digest, split_columns)


def _target(table: pa.Table, options: TrainingOptions) -> Target:
    require_column(table, options.target)
    if options.signature is None:
        return infer_target(table, options.target, options.positive, options.negative, options.drop_label)
    declared = options.signature.target
    if declared.name != options.target:
        raise TrainingError(f"the signature's target is {declared.name!r}, not {options.target!r}")
    return declared


def _labelled(table: pa.Table, target: Target, dropped: Sequence[str], findings: _Findings) -> tuple[pa.Table, Labels]:
    """The n rows that have a label of the target, and the target as 0 and 1, shape (n,)."""
    texts = target_texts(table, target.name)
    positive = in_group(texts, target.positive)
    to_drop = pc.is_in(texts, value_set=pa.array(dropped, pa.string()))
    known = pc.or_(pc.or_(positive, in_group(texts, target.negative)), pc.or_(to_drop, pc.is_null(texts)))
    unknown = pc.index(known, False).as_py()
    if unknown >= 0:
        complaint = f"target {target.name!r} is neither {target.positive!r} nor {target.negative!r}"
        raise TrainingError(f"row {row_number(table, unknown)}: {complaint}")
    for count, seen in (
        (texts.null_count, f"no {target.name!r}"),
        (pc.sum(to_drop).as_py() or 0, f"{' or '.join(map(repr, dropped))} as {target.name!r}"),
    ):
        if count:
            findings.remarks.append(Remark(seen=f"{count} rows have {seen}", done="dropped"))
    kept = pc.and_(pc.is_valid(texts), pc.invert(to_drop))
    return table.filter(kept), positive.filter(kept).to_numpy().astype(np.int64)


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
    names = [
        name
        for name in table.column_names
        if name not in {target.name, identifier, *options.exclude, *options.split_columns}
    ]
    findings.remarks += [remark for remark in written.remarks if remark.column in names]
    for name in index_names(table):
        if name in names:
            findings.drop(name, "is the index of a pandas frame", f"--id {name!r} or --include {name!r}")
    for name in data_checks.constant_columns(table, names):
        findings.drop(name, "is the same in every row")
    for name in sorted(written.ambiguous_dates.keys() & set(names) - set(findings.leave_out)):
        formats = written.ambiguous_dates[name][:2]
        findings.drop(name, f"has dates written as {' or '.join(formats)}", f"--date-format {formats[0]}")
    names = [name for name in names if name not in findings.leave_out]
    numbers = data_checks.text_that_was_numbers(table, [name for name in names if name not in options.notation.text])
    findings.keep(numbers, "is read as text, though most of its cells are numbers", "kept as categories")
    _check_identifiers(table, [name for name in names if name not in {*numbers, *options.notation.text}], findings)
    leave_out = [*options.exclude, *options.split_columns, *findings.leave_out]
    for name in options.include:
        require_column(table, name)
    _refuse_long_names(table.column_names, {target.name, identifier, *leave_out})
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
    """Leave out identifiers; only warn of other numbers that differ in every row, which may be measurements."""
    for name in names:
        evidence = identifier_evidence(name, table.column(name))
        if evidence:
            option = f"--id {name!r} to have it in answers, --include {name!r} to learn from it"
            findings.drop(name, f"looks like an identifier: it {evidence}", option)
        elif may_identify(table.column(name)):
            findings.keep([name], "differs in every row", "kept, since it may be a measurement")


def _refuse_long_names(names: Sequence[str], not_features: Collection[str | None]) -> None:
    for position, name in enumerate(names, start=1):
        if len(name) > MAX_NAME_LENGTH and name not in not_features:
            raise TrainingError(
                f"column {position}: its name has {len(name)} characters, and {MAX_NAME_LENGTH} is the most: "
                f"shorten it, or leave the column out with --exclude {name!r}"
            )


def _check_leakage(frame: pd.DataFrame, labels: Labels, options: TrainingOptions, findings: _Findings) -> None:
    """Raise TrainingError where a column almost determines the target, unless the user accepts it."""
    leaking = data_checks.target_leakage(frame, labels)
    refused = [name for name in leaking if name not in options.accept_leakage]
    if refused:
        listed = ", ".join(f"{name!r} (ROC-AUC {leaking[name]:.3f} by itself)" for name in refused)
        remedies = [" ".join(f"{option} {name!r}" for name in refused) for option in ("--exclude", "--accept-leakage")]
        raise TrainingError(
            f"target leakage: {listed} almost determines the target, so it is probably known only afterwards. "
            f"Leave it out with {remedies[0]}, or keep it with {remedies[1]} if it is known before"
        )
    findings.keep(leaking, "almost determines the target", "kept, since its leakage is accepted")


def _report_alike(frame: pd.DataFrame, signature: Signature, findings: _Findings) -> None:
    """Remark on features that are the same, or rise and fall together: they share their importance."""
    pairs = dict(twins(frame))
    for name, same in pairs.items():
        findings.keep([name], f"says the same as {same!r} in every row", "kept")
    measured = [one.name for one in signature.features if one.measured and one.name not in pairs]
    for first, *others in correlated_groups(frame, measured):
        listed = ", ".join(map(repr, others))
        seen = f"rises and falls with {listed} (rank correlation from {HIGH_CORRELATION})"
        findings.remarks.append(Remark(column=first, seen=seen, done="kept; they share their importance"))
