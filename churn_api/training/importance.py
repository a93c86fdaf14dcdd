"""Permutation importance of features."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split

from churn_api.training.evaluation_metrics import Labels, Weights, taken
from churn_api.training.validation import Evaluation

MAX_ROWS = 2000
LISTED = 10


def most_important(evaluation: Evaluation, frame: pd.DataFrame, labels: Labels, seed: int) -> dict[str, float]:
    """The ten features whose shuffling reduces ROC-AUC most on held-out rows, with the decrease, largest first."""
    rows = evaluation.held_out[0]
    weights = taken(evaluation.weights, rows)
    return importance_of(evaluation.first_pipeline, frame.iloc[rows], labels[rows], seed, weights)


def importance_of(
    pipeline: Any, frame: pd.DataFrame, labels: Labels, seed: int, weights: Weights = None
) -> dict[str, float]:
    """The same of a fitted pipeline, on n rows that it was not fitted on."""
    rows = _sample(np.arange(len(labels)), labels, seed)
    result = permutation_importance(
        pipeline,
        frame.iloc[rows],
        labels[rows],
        scoring="roc_auc",
        n_repeats=3,
        random_state=seed,
        sample_weight=taken(weights, rows),
    )
    order = np.argsort(-result.importances_mean)[:LISTED]
    return {str(frame.columns[index]): float(result.importances_mean[index]) for index in order}


def _sample(rows: NDArray[np.intp], labels: Labels, seed: int) -> NDArray[np.intp]:
    """At most MAX_ROWS of the rows, with both classes in proportion: a table may be sorted by its target."""
    if len(rows) <= MAX_ROWS:
        return rows
    sample: NDArray[np.intp] = train_test_split(rows, train_size=MAX_ROWS, stratify=labels[rows], random_state=seed)[0]
    return sample
