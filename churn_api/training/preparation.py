"""A table -> training data: signature, columns, labels, and remarks about the table."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pandas as pd
import pyarrow as pa

from churn_api.contract.columns import Columns
from churn_api.contract.remark import Remark, counted
from churn_api.contract.signature import Signature, SignatureError, Target
from churn_api.scoring.output import refuse_reserved_names
from churn_api.scoring.sklearn import to_frame
from churn_api.tables.inference import require_column
from churn_api.tables.table_errors import TableError, UnreadableColumn
from churn_api.tables.target import infer_target
from churn_api.tables.training_table import file_remarks, read_table, to_columns
from churn_api.training import data_checks
from churn_api.training.evaluation_metrics import Labels, Weights
from churn_api.training.feature_checks import check_leakage, report_alike
from churn_api.training.feature_groups import with_groups
from churn_api.training.findings import Findings
from churn_api.training.inferred_signature import inferred_signature
from churn_api.training.labelled_rows import labelled_rows
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions


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
    except UnreadableColumn as error:
        raise TrainingError(f"{error}; leave it out with --exclude {error.name!r}") from error
    except (TableError, SignatureError) as error:
        raise TrainingError(str(error)) from error


def _prepare(path: Path, options: TrainingOptions) -> TrainingData:
    table = read_table(path, options.file, target=options.target, unneeded=options.exclude)
    target = _target(table, options)
    for name in options.split_columns:
        require_column(table, name)
    if options.signature:
        _refuse_features(options.signature, options.not_features)
        # Every row, including those without a target: training rejects what a request would reject.
        to_columns(table, options.signature)
    findings = Findings(frozenset(options.opened + options.include), file_remarks(table))
    table, labels, weights = labelled_rows(table, target, options, findings, purpose="training")
    duplicates = data_checks.duplicate_rows(table)
    if duplicates:
        findings.remarks.append(Remark(seen=f"the table repeats {counted(duplicates, 'row')}", done="kept"))
    signature = options.signature or inferred_signature(table, target, options, findings)
    refuse_reserved_names(signature)
    columns = _columns(table, signature, findings)
    frame = to_frame(columns, signature)
    check_leakage(frame, labels, options.accept_leakage, findings)
    groups = report_alike(frame, signature, findings)
    if options.signature is None:
        signature = with_groups(signature, groups)
    split_columns = {name: table.column(name) for name in options.split_columns}
    return TrainingData(signature, columns, frame, labels, findings.remarks, sha256_of(path), split_columns, weights)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _columns(table: pa.Table, signature: Signature, findings: Findings) -> Columns:
    """The columns of a signature. Raises TrainingError with all faults of the cells."""
    try:
        columns = to_columns(table, signature)
    except TableError as error:
        findings.faults.append(str(error))
    if findings.faults:
        raise TrainingError("; ".join(findings.faults))
    return columns


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
        target = infer_target(table, options.target, options.positive, options.negative, options.drop_label)
        return msgspec.structs.replace(target, horizon_days=options.horizon_days)
    declared = options.signature.target
    if declared.name != options.target:
        raise TrainingError(f"the signature's target is {declared.name!r}, not {options.target!r}")
    return declared
