"""Calibration: a probability of 0.3 should mean that three in ten leave.

The calibrator is Platt's sigmoid ("Probabilistic Outputs for Support Vector Machines", 1999). Isotonic regression is
not tried: its compiled form is not equal to scikit-learn's, so a model that used it could not serve from ONNX.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression

from churn_api.training.evaluation_metrics import Labels, Probabilities
from churn_api.training.validation import FOLDS, Evaluation

METHOD = "sigmoid"


def calibrated(pipeline: Any) -> Any:
    """The same pipeline with a calibrator on its classifier, fitted on the classifier's own held-out predictions."""
    classifier = pipeline.named_steps["classifier"]
    return pipeline.set_params(classifier=CalibratedClassifierCV(classifier, method=METHOD, cv=FOLDS, ensemble=False))


def choose_method(labels: Labels, plain: Evaluation) -> tuple[str | None, Evaluation]:
    """Whether a calibrator helps on held-out folds (its name, else None), and the evaluation that this leads to.

    Each fold's predictions are calibrated by what the other folds' tell. It helps where log loss falls by more than one
    standard error of its fall over the folds.
    """
    evaluation = plain.judged(labels, _cross_fitted(labels, plain))
    falls = plain.fold_values("log_loss") - evaluation.fold_values("log_loss")
    helps = falls.mean() > falls.std(ddof=1) / np.sqrt(FOLDS)
    return (METHOD, evaluation) if helps else (None, plain)


def _cross_fitted(labels: Labels, plain: Evaluation) -> Probabilities:
    log_odds = _log_odds(plain.probabilities)
    found = np.empty_like(plain.probabilities)
    for rows in plain.held_out:
        others = np.setdiff1d(np.arange(len(labels)), rows)
        sigmoid = LogisticRegression(C=np.inf).fit(log_odds[others], labels[others])
        found[rows] = sigmoid.predict_proba(log_odds[rows])[:, 1]
    return found


def _log_odds(probabilities: Probabilities) -> NDArray[np.float64]:
    edge = np.finfo(np.float64).eps
    return np.asarray(logit(np.clip(probabilities, edge, 1 - edge))).reshape(-1, 1)
