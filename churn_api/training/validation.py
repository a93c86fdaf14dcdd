"""Cross-validation: what a pipeline is worth on rows that it did not see."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from churn_api.training.candidates import SEED
from churn_api.training.evaluation_metrics import Labels, Probabilities, metrics

FOLDS = 5


class Evaluation(NamedTuple):
    """A candidate's five folds."""

    folds: list[dict[str, float]]
    """Metrics by fold."""
    probabilities: Probabilities
    """Out of fold: each row's, from the pipeline that did not see it."""
    held_out: list[NDArray[np.intp]]
    """Row numbers of each fold."""
    first_pipeline: Any
    """The first fold's fitted pipeline."""

    def judged(self, labels: Labels, probabilities: Probabilities) -> "Evaluation":
        """The same folds, with other probabilities in place of the pipelines' own."""
        folds = [metrics(labels[rows], probabilities[rows]) for rows in self.held_out]
        return self._replace(folds=folds, probabilities=probabilities)

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
    make: Callable[[], Any], frame: pd.DataFrame, labels: Labels, on_fold: Callable[[int], None]
) -> Evaluation:
    """Fit a fresh pipeline on four fifths of the rows and judge it on the rest, five times, with the same fifths."""
    probabilities = np.empty(len(labels))
    splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(frame, labels))
    pipelines = []
    for number, (seen, held_out) in enumerate(splits, start=1):
        on_fold(number)
        pipeline = fit(make(), frame.iloc[seen], labels[seen])
        probabilities[held_out] = pipeline.predict_proba(frame.iloc[held_out])[:, 1]
        pipelines.append(pipeline)
    unjudged = Evaluation([], probabilities, [held_out for _, held_out in splits], pipelines[0])
    return unjudged.judged(labels, probabilities)


def fit(pipeline: Any, frame: pd.DataFrame, labels: Labels) -> Any:
    """Fit a pipeline in place and return it."""
    with warnings.catch_warnings():
        # A column of few values has fewer quantiles than bins: the bins that remain are the right ones.
        warnings.filterwarnings("ignore", message="Bins whose width are too small")
        return pipeline.fit(frame, labels)
