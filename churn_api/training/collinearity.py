"""Finds features that say the same: exact twins, and groups of numbers that rise and fall together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from churn_api.training.candidates import SEED

HIGH_CORRELATION = 0.85
"""Spearman's rank correlation, without its sign, from which two numbers belong to one group."""

_MAX_ROWS = 20_000


def twins(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of columns that are the same in every row, the earlier one second. Categories may be named differently."""
    first: dict[bytes, str] = {}
    pairs = []
    for name in map(str, frame.columns):
        same = first.setdefault(_fingerprint(frame[name]), name)
        if same != name:
            pairs.append((name, same))
    return pairs


def correlated_groups(frame: pd.DataFrame, names: Sequence[str]) -> list[list[str]]:
    """Groups of number columns, among `names`, in which each is highly rank-correlated with another one."""
    varying = [name for name in names if frame[name].nunique() > 2]
    if len(varying) < 2:
        return []
    rows = np.random.default_rng(SEED).permutation(len(frame))[:_MAX_ROWS]
    ranks = frame[varying].iloc[rows].rank()
    linked = np.abs(_correlations(ranks.fillna(ranks.mean()))) >= HIGH_CORRELATION
    count, group_of = connected_components(linked, directed=False)
    groups = [[name for name, group in zip(varying, group_of, strict=True) if group == one] for one in range(count)]
    return [group for group in groups if len(group) > 1]


def _correlations(ranks: pd.DataFrame) -> NDArray[np.float64]:
    """Pearson's correlations of the columns; 0 for a column that does not vary among these rows."""
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations: NDArray[np.float64] = np.corrcoef(ranks.to_numpy(), rowvar=False)
    return np.nan_to_num(correlations)


def _fingerprint(column: pd.Series) -> bytes:
    """Equal for two columns of numbers with equal values, and for two of categories that map one to one."""
    is_number = column.dtype.kind == "f" and column.nunique() > 2
    values = column.to_numpy() if is_number else pd.factorize(column)[0].astype(np.float64)
    # -0.0 equals 0.0, and every NaN is the same.
    return np.where(np.isnan(values), np.nan, values + 0.0).tobytes()
