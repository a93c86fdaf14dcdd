"""The rows of a table that have a label of the target, with labels and weights."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.remark import Remark, counted
from churn_api.contract.signature import Target
from churn_api.tables.row_numbers import keep_rows, row_name
from churn_api.tables.target import in_group, target_texts
from churn_api.training.evaluation_metrics import Labels, Weights
from churn_api.training.findings import Findings
from churn_api.training.sample_weights import weighted_rows, with_plain_weights
from churn_api.training.training_error import TrainingError
from churn_api.training.training_options import TrainingOptions

MIN_ROWS = 50
MIN_ROWS_A_CLASS = 10


class LabelledRows(NamedTuple):
    """Rows of a table, and the target as 0 and 1, shape (n,)."""

    table: pa.Table
    labels: Labels
    weights: Weights


def labelled_rows(
    table: pa.Table, target: Target, options: TrainingOptions, findings: Findings, *, purpose: str
) -> LabelledRows:
    """The rows that have a label of the target and a weight above 0, with a remark on those that are dropped.

    Raises TableError where the table lacks the column of weights, and TrainingError for a label or a weight that is
    none, with its row, or where too few rows are left for the `purpose`.
    """
    if options.sample_weight:
        table = with_plain_weights(table, options.sample_weight, target, options.notation, findings)
    table, labels = _labelled(table, target, options.drop_label, findings)
    rows = LabelledRows(*weighted_rows(table, labels, options.sample_weight, findings))
    _require_enough(rows.labels, target, purpose)
    return rows


def _labelled(table: pa.Table, target: Target, dropped: Sequence[str], findings: Findings) -> tuple[pa.Table, Labels]:
    """The n rows that have a label of the target, and the target as 0 and 1, shape (n,)."""
    texts = target_texts(table, target.name)
    positive = in_group(texts, target.positive)
    to_drop = pc.is_in(texts, value_set=pa.array(dropped, pa.string()))
    known = pc.or_(pc.or_(positive, in_group(texts, target.negative)), pc.or_(to_drop, pc.is_null(texts)))
    unknown = pc.index(known, False).as_py()
    if unknown >= 0:
        complaint = f"target {target.name!r} is neither {target.positive!r} nor {target.negative!r}"
        raise TrainingError(f"{row_name(table, unknown)}: {complaint}")
    for count, seen in (
        (texts.null_count, f"no {target.name!r}"),
        (pc.sum(to_drop).as_py() or 0, f"{' or '.join(map(repr, dropped))} as {target.name!r}"),
    ):
        if count:
            findings.remarks.append(Remark(seen=f"{counted(count, 'row')} with {seen}", done="dropped"))
    kept = pc.and_(pc.is_valid(texts), pc.invert(to_drop)).to_numpy()
    return keep_rows(table, kept), positive.to_numpy()[kept].astype(np.int64)


def _require_enough(labels: Labels, target: Target, purpose: str) -> None:
    if len(labels) < MIN_ROWS:
        raise TrainingError(f"the table has {len(labels)} rows with a target; {purpose} needs at least {MIN_ROWS}")
    for label, count in ((target.positive, int(labels.sum())), (target.negative, int((1 - labels).sum()))):
        if count == 0:
            raise TrainingError(f"target {target.name!r} has one class only: no row is {label!r}")
        if count < MIN_ROWS_A_CLASS:
            raise TrainingError(
                f"only {count} rows are {label!r}; {purpose} needs at least {MIN_ROWS_A_CLASS} of each class"
            )
