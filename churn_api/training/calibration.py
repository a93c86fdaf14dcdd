"""Calibration: a probability of 0.3 should mean that three in ten leave."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from churn_api.training.validation import FOLDS, Evaluation

METHODS = ("sigmoid", "isotonic")

_INNER_FOLDS = 3


def calibrated(pipeline: Any, method: str) -> Any:
    """The same pipeline with a calibrator on its classifier, fitted on the classifier's own held-out predictions.

    Methods: Platt's sigmoid (1999) and isotonic regression (Zadrozny and Elkan, 2002).
    """
    classifier = pipeline.named_steps["classifier"]
    return pipeline.set_params(
        classifier=CalibratedClassifierCV(classifier, method=method, cv=_INNER_FOLDS, ensemble=False)
    )


def choose_method(plain: Evaluation, evaluate: Callable[[str], Evaluation]) -> tuple[str | None, Evaluation]:
    """The method that helps most on held-out folds, with its evaluation; None where none clearly helps.

    Clearly: log loss falls by more than one standard error of its fall over the folds.
    """
    best: tuple[float, str | None, Evaluation] = (0.0, None, plain)
    for method in METHODS:
        evaluation = evaluate(method)
        falls = plain.fold_values("log_loss") - evaluation.fold_values("log_loss")
        gain = float(falls.mean() - falls.std(ddof=1) / np.sqrt(FOLDS))
        best = max(best, (gain, method, evaluation), key=lambda option: option[0])
    return best[1], best[2]
