"""A table -> training data: signature, columns, labels, and remarks about the table."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.columns import Columns
from churn_api.contract.remark import Remark
from churn_api.contract.signature import Signature, SignatureError, Target
from churn_api.scoring.output import refuse_reserved_names
from churn_api.scoring.sklearn import to_frame
from churn_api.tables.inference import require_column
from churn_api.tables.table_errors import TableError
from churn_api.tables.target import in_group, infer_target, target_texts
from churn_api.tables.training_table import file_remarks, read_table, row_number, to_columns
from churn_api.training import data_checks
from churn_api.training.evaluation_metrics import Labels, Weights
from churn_api.training.feature_checks import check_leakage, report_alike
from churn_api.training.feature_groups import with_groups
from churn_api.training.findings import Findings
from churn_api.training.inferred_signature import inferred_signature
from churn_api.training.sample_weights import weighted_rows, with_plain_weights
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions

MIN_ROWS = 50
MIN_ROWS_A_CLASS = 10


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
    weights: Weights = None


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
        _refuse_features(options.signature, options.not_features)
        # Every row, including those without a target: training rejects what a request would reject.
        to_columns(table, options.signature)
    findings = Findings(frozenset(options.opened + options.include), file_remarks(table))
    if options.sample_weight:
        table = with_plain_weights(table, options.sample_weight, target, options.notation, findings)
    table, labels = _labelled(table, target, options.drop_label, findings)
    table, labels, weights = weighted_rows(table, labels, options.sample_weight, findings)
    _require_enough(labels, target)
    duplicates = data_checks.duplicate_rows(table)
    if duplicates:
        findings.remarks.append(Remark(seen=f"{duplicates} rows occur in the table more than once", done="kept"))
    signature = options.signature or inferred_signature(table, target, options, findings)
    refuse_reserved_names(signature)
    columns = to_columns(table, signature)
    frame = to_frame(columns, signature)
    check_leakage(frame, labels, options.accept_leakage, findings)
    groups = report_alike(frame, signature, findings)
    if options.signature is None:
        signature = with_groups(signature, groups)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    split_columns = {name: table.column(name) for name in options.split_columns}
    return TrainingData(signature, columns, frame, labels, findings.remarks, digest, split_columns, weights)


def _refuse_features(signature: Signature, not_features: Sequence[str]) -> None:
    """Raise TrainingError where folds or weights would depend on a feature."""
    for feature in signature.features:
        if feature.name in not_features:
            raise TrainingError(
                f"{feature.name!r} decides the folds or the weights, so it must not be a feature of the signature"
            )


def _target(table: pa.Table, options: TrainingOptions) -> Target:
    require_column(table, options.target)
    if options.signature is None:
        return infer_target(table, options.target, options.positive, options.negative, options.drop_label)
    declared = options.signature.target
    if declared.name != options.target:
        raise TrainingError(f"the signature's target is {declared.name!r}, not {options.target!r}")
    return declared


def _labelled(table: pa.Table, target: Target, dropped: Sequence[str], findings: Findings) -> tuple[pa.Table, Labels]:
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
