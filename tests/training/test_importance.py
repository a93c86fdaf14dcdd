"""Permutation importance of features."""

import math

import numpy as np
from builders import customers, write_csv
from sklearn.model_selection import StratifiedKFold

from churn_api.training import importance
from churn_api.training.candidates import CANDIDATES, Learning
from churn_api.training.preparation import prepare
from churn_api.training.training_options import TrainingOptions
from churn_api.training.validation import cross_validate


def test_sorted_by_the_target(tmp_path, monkeypatch):
    """Of a table that is sorted by its target, the sample of rows has both classes, so each figure is a number."""
    monkeypatch.setattr(importance, "MAX_ROWS", 20)
    path = write_csv(customers().sort_values("Churn"), tmp_path / "t.csv")
    data = prepare(path, TrainingOptions(target="Churn", identifier="customerID"))
    folds = list(StratifiedKFold(5).split(data.labels, data.labels))
    evaluation = cross_validate(
        lambda: CANDIDATES["logistic"](data.signature, data.columns, Learning()),
        data.frame,
        data.labels,
        lambda _: None,
        splits=folds,
    )
    assert np.unique(data.labels[evaluation.held_out[0][:20]]).size == 1
    figures = importance.most_important(evaluation, data.frame, data.labels, 0)
    assert figures
    assert not any(map(math.isnan, figures.values()))
