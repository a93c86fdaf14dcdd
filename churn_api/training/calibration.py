"""Calibration: of customers with a probability of 0.3, three in ten should churn.

The calibrator is Platt's sigmoid ("Probabilistic Outputs for Support Vector Machines", 1999). Isotonic regression is
not used: it has as many parameters as it finds steps, and overfits where few customers leave.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

from churn_api.training.evaluation_metrics import Labels, Probabilities, taken
from churn_api.training.splits import FOLDS, Split
from churn_api.training.validation import Evaluation

METHOD = "sigmoid"


def with_calibrator(pipeline: Any, folds: int | list[Split] = FOLDS) -> Any:
    """Wrap a pipeline's classifier in a calibrator, to be fitted on the classifier's predictions out of these folds."""
    classifier = pipeline.named_steps["classifier"]
    return pipeline.set_params(classifier=CalibratedClassifierCV(classifier, method=METHOD, cv=folds, ensemble=False))


def choose_calibrator(
    labels: Labels, uncalibrated: Evaluation, *, in_order: bool = False
) -> tuple[str | None, Evaluation]:
    """The calibrator's method where it helps (else None), and the evaluation with or without it accordingly.

    Each fold is calibrated by a sigmoid fitted on the other folds; where folds are `in_order` of time, on earlier ones,
    and the first stays as it is. The calibrator helps where log loss decreases by
    more than one standard error of its decrease over the folds.
    """
    evaluation = uncalibrated.with_probabilities(labels, _cross_fitted(labels, uncalibrated, in_order=in_order))
    decreases = uncalibrated.fold_values("log_loss") - evaluation.fold_values("log_loss")
    helps = decreases.mean() > decreases.std(ddof=1) / np.sqrt(FOLDS)
    return (METHOD, evaluation) if helps else (None, uncalibrated)


def _cross_fitted(labels: Labels, uncalibrated: Evaluation, *, in_order: bool) -> Probabilities:
    log_odds = _log_odds(uncalibrated.probabilities)
    probabilities, folds = uncalibrated.probabilities.copy(), uncalibrated.held_out
    for number, rows in enumerate(folds):
        if in_order and number == 0:
            continue
        others = np.concatenate(folds[:number]) if in_order else np.setdiff1d(uncalibrated.evaluated, rows)
        sigmoid = LogisticRegression(C=np.inf).fit(
            log_odds[others], labels[others], sample_weight=taken(uncalibrated.weights, others)
        )
        probabilities[rows] = sigmoid.predict_proba(log_odds[rows])[:, 1]
    return probabilities


def _log_odds(probabilities: Probabilities) -> NDArray[np.float64]:
    edge = np.finfo(np.float64).eps
    return np.asarray(logit(np.clip(probabilities, edge, 1 - edge))).reshape(-1, 1)
