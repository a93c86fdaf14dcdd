"""Permutation importance of features."""

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from churn_api.training.evaluation_metrics import Labels
from churn_api.training.validation import Evaluation

MAX_ROWS = 2000
LISTED = 10


def most_important(evaluation: Evaluation, frame: pd.DataFrame, labels: Labels, seed: int) -> dict[str, float]:
    """The ten features whose shuffling reduces ROC-AUC most on held-out rows, with the decrease, largest first."""
    rows = evaluation.held_out[0][:MAX_ROWS]
    result = permutation_importance(
        evaluation.first_pipeline, frame.iloc[rows], labels[rows], scoring="roc_auc", n_repeats=3, random_state=seed
    )
    order = np.argsort(-result.importances_mean)[:LISTED]
    return {str(frame.columns[index]): float(result.importances_mean[index]) for index in order}
