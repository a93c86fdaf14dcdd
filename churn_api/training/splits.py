"""Which rows a pipeline is fitted on, and which it is evaluated on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from churn_api.training.evaluation_metrics import Labels
from churn_api.training.evaluation_options import EvaluationOptions
from churn_api.training.training_error import TrainingError

FOLDS = 5

_ISO = r"^\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?)?$"

Rows = NDArray[np.intp]
Split = tuple[Rows, Rows]
"""The indices of the rows to fit on, and of the rows to evaluate on."""


def splits(labels: Labels, options: EvaluationOptions, column: pa.ChunkedArray | None, seed: int) -> list[Split]:
    """Five splits of n rows, from the labels of shape (n,) and the column that the folds depend on.

    Raises TrainingError where the column does not allow five folds of both classes.
    """
    if column is None:
        return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels))
    name = options.time or options.group
    if column.null_count:
        raise TrainingError(f"column {name!r} is blank in {column.null_count} rows: folds need it in each")
    parts = _by_time(column, name) if options.time else _by_group(labels, column, seed, name)
    for rows in (part for split in parts for part in split):
        if len(np.unique(labels[rows])) < 2:
            raise TrainingError(f"folds by {name!r} have one class only: there are too few values or rows")
    return parts


def partition(folds: list[Split], rows: int) -> list[Split]:
    """Splits that evaluate each of n rows once: those given, and one for the rows that none of them evaluates."""
    evaluated = np.sort(np.concatenate([held_out for _, held_out in folds]))
    rest = np.setdiff1d(np.arange(rows), evaluated)
    return [*folds, (evaluated, rest)] if len(rest) else folds


def _by_time(column: pa.ChunkedArray, name: str | None) -> list[Split]:
    """The later half of the rows in five parts in order, each evaluated by what was fitted on all rows before it."""
    times = _sortable(column, name)
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    starts = np.linspace(len(order) // 2, len(order), FOLDS + 1).astype(int)[:-1]
    # Rows of the same time stay together.
    bounds = [*np.searchsorted(ordered, ordered[starts]).tolist(), len(order)]
    return [(order[:first], order[first:last]) for first, last in pairwise(bounds)]


def _sortable(column: pa.ChunkedArray, name: str | None) -> NDArray[Any]:
    """Values that sort by time. Raises TrainingError for texts that are neither numbers nor written as 2026-03-31."""
    if pa.types.is_temporal(column.type):
        return np.asarray(column.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy())
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy())
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    if pc.all(pc.match_substring_regex(texts, _ISO)).as_py():
        return np.asarray(texts.to_pylist(), dtype=str)
    try:
        return np.asarray(texts.cast(pa.float64()).to_numpy())
    except pa.ArrowInvalid as error:
        raise TrainingError(
            f"column {name!r} does not sort by time: write times as 2026-03-31, or as numbers"
        ) from error


def _by_group(labels: Labels, column: pa.ChunkedArray, seed: int, name: str | None) -> list[Split]:
    groups = np.unique(np.asarray(column.cast(pa.string()).to_pylist(), dtype=str), return_inverse=True)[1]
    if groups.max() + 1 < FOLDS:
        raise TrainingError(f"column {name!r} has {groups.max() + 1} values: folds by it need at least {FOLDS}")
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(labels, labels, groups))
