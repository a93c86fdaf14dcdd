"""Sample weights: how much each row of a training table counts, from a column that is no feature."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn_api.contract.remark import Remark
from churn_api.contract.signature import Target
from churn_api.contract.text_values import NUMBER
from churn_api.tables.cell_text import trimmed
from churn_api.tables.inference import require_column
from churn_api.tables.notation_inference import NotationOptions, infer_notations
from churn_api.tables.row_numbers import keep_rows, row_name
from churn_api.training.evaluation_metrics import Labels, Weights
from churn_api.training.findings import Findings
from churn_api.training.training_error import TrainingError


def with_plain_weights(
    table: pa.Table, name: str, target: Target, notation: NotationOptions, findings: Findings
) -> pa.Table:
    """The table with a column of weights as numbers, none of them missing, negative or infinite.

    Raises TableError where the table lacks the column, and TrainingError with the first row at fault.
    """
    require_column(table, name)
    if name == target.name:
        raise TrainingError(f"--sample-weight names the target {name!r}: weights must not depend on who churned")
    written = infer_notations(table.select([name]), notation)
    findings.remarks += written.remarks
    weights, missing = _numbers(written.plain.column(name))
    _refuse_faults(table, name, weights, missing)
    return table.set_column(table.column_names.index(name), name, pa.array(weights))


def weighted_rows(
    table: pa.Table, labels: Labels, name: str | None, findings: Findings
) -> tuple[pa.Table, Labels, Weights]:
    """The rows whose weight is not 0, their labels, and their weights with a mean of 1: scale does not matter.

    Raises TrainingError where no row is left.
    """
    if name is None:
        return table, labels, None
    given = table.column(name).to_numpy()
    largest = given.max(initial=0)
    if largest == 0:
        raise TrainingError(f"column {name!r}: the weight is 0 in every row that has a target")
    # Divided first, so that no sum overflows.
    weights = given / largest
    kept = weights > 0
    if not kept.all():
        findings.remarks.append(
            Remark(column=name, seen=f"has a weight of 0 in {(~kept).sum()} rows", done="these rows are dropped")
        )
    return keep_rows(table, kept), labels[kept], weights[kept] / weights[kept].mean()


def _numbers(cells: pa.ChunkedArray) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The cells as numbers, NaN where there is none, and which cells are blank."""
    missing = cells.is_null().to_numpy()
    if not pa.types.is_string(cells.type):
        return cells.cast(pa.float64(), safe=False).to_numpy(), missing
    texts = trimmed(cells)
    numeric = pc.if_else(pc.match_substring_regex(texts, NUMBER), texts, pa.scalar("nan")).fill_null("nan")
    return numeric.to_numpy().astype(np.float64), missing


def _refuse_faults(table: pa.Table, name: str, weights: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
    kinds = (
        (missing, "is missing"),
        (np.isnan(weights) & ~missing, "is no number"),
        (np.isinf(weights), "is infinite"),
        (weights < 0, "is negative"),
    )
    faults = [(int(np.argmax(rows)), int(rows.sum()), words) for rows, words in kinds if rows.any()]
    if faults:
        row, count, words = min(faults)
        others = f", as in {count - 1} more" if count > 1 else ""
        raise TrainingError(
            f"{row_name(table, row)}, column {name!r}: the weight {words}{others}; a sample weight is a number from 0"
        )
