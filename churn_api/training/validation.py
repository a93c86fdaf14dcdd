"""Cross-validation: the quality of a pipeline on held-out rows."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn_api.training.evaluation_metrics import Labels, Probabilities, Weights, metrics, taken
from churn_api.training.splits import Split


class Evaluation(NamedTuple):
    """The cross-validation of a candidate on n rows, in five folds."""

    folds: list[dict[str, float]]
    """The metrics of each fold."""
    probabilities: Probabilities
    """Out-of-fold probabilities, shape (n,): each row's from the pipeline that was not fitted on it; NaN where no fold
    evaluates the row."""
    held_out: list[NDArray[np.intp]]
    """The row indices of each fold."""
    first_pipeline: Any
    """The first fold's fitted pipeline."""
    capped_folds: int = 0
    """In how many folds the candidate learned for as long as its cap allows."""
    weights: Weights = None

    def with_probabilities(self, labels: Labels, probabilities: Probabilities) -> "Evaluation":
        """The same folds with other probabilities, and the metrics of these."""
        folds = [metrics(labels[rows], probabilities[rows], taken(self.weights, rows)) for rows in self.held_out]
        return self._replace(folds=folds, probabilities=probabilities)

    @property
    def evaluated(self) -> NDArray[np.intp]:
        """The indices of the rows that a fold evaluates, in order."""
        return np.sort(np.concatenate(self.held_out))

    def fold_values(self, metric: str) -> Any:
        """One metric's five values, shape (5,)."""
        return np.array([fold[metric] for fold in self.folds])

    def summary(self) -> dict[str, dict[str, float]]:
        """Each metric's mean and standard deviation over the folds."""
        return {
            metric: {"mean": float(self.fold_values(metric).mean()), "std": float(self.fold_values(metric).std(ddof=1))}
            for metric in self.folds[0]
        }


def cross_validate(
    make: Callable[[], Any],
    frame: pd.DataFrame,
    labels: Labels,
    on_fold: Callable[[int], None],
    *,
    splits: list[Split],
    reached_cap: Callable[[Any], bool] = lambda _: False,
    weights: Weights = None,
) -> Evaluation:
    """Cross-validation; `make` returns an unfitted pipeline for each split."""
    probabilities = np.full(len(labels), np.nan)
    first, capped = None, 0
    for number, (fitted, held_out) in enumerate(splits, start=1):
        on_fold(number)
        pipeline = fit(make(), frame.iloc[fitted], labels[fitted], taken(weights, fitted))
        probabilities[held_out] = pipeline.predict_proba(frame.iloc[held_out])[:, 1]
        capped += reached_cap(pipeline)
        first = first or pipeline
    evaluation = Evaluation([], probabilities, [held_out for _, held_out in splits], first, capped, weights)
    return evaluation.with_probabilities(labels, probabilities)


def fit(pipeline: Any, frame: pd.DataFrame, labels: Labels, weights: Weights = None) -> Any:
    """Fit a pipeline in place and return it. Weights are the classifier's: the steps before it count rows alike."""
    weighted = {} if weights is None else {"classifier__sample_weight": weights}
    with warnings.catch_warnings():
        # A column with few values has fewer quantiles than bins; the remaining bins are correct.
        warnings.filterwarnings("ignore", message="Bins whose width are too small")
        return pipeline.fit(frame, labels, **weighted)
