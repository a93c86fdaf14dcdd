"""The fallback scorer: the fitted pipeline itself, for a model whose compiled form could not be proven equal.

The pipeline receives a pandas DataFrame with one column per feature, in the signature's order. Integers, numbers and
booleans are float64 with NaN for missing; strings are objects with NaN for missing.
"""

import io
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature, Target
from churn_api.scoring.scorer import in_blocks

ROWS_AT_ONCE = 1 << 13
"""Rows per call: each step of a pipeline copies its input; each call has an overhead of milliseconds."""

_STEP = 2.0**-28
_NOISE = 2.0**-44


class SklearnScorer:
    """Scores with a classifier that has `predict_proba`, on one thread.

    BLAS adds in an order that depends on the number of rows, so the last digits of a probability (about 1e-16) can
    differ between a single record and a batch. Probabilities are therefore rounded to multiples of 2^-28 (4e-9). A row
    so close to the middle between two multiples that noise could decide (one in 30,000) is scored again by itself. A
    record thus gets the same double alone and in any batch, provided that the noise of its pipeline stays below 2^-44
    (6e-14), which holds for sums of doubles that are not huge. Pipelines that compute in float32, or that branch on a
    sum (trees after a PCA), are not covered.
    """

    def __init__(self, classifier: Any, signature: Signature) -> None:
        disable_parallel_jobs(classifier)
        self._classifier = classifier
        self._signature = signature
        self._positive = positive_index(classifier.classes_, signature.target)
        self._threads = ThreadpoolController()

    @classmethod
    def from_joblib(cls, data: bytes, signature: Signature) -> Self:
        """Unpickle a classifier. The caller must have verified the source of the bytes: unpickling runs code."""
        return cls(joblib.load(io.BytesIO(data)), signature)

    def score(self, columns: Columns) -> NDArray[np.float64]:
        """See Scorer."""
        return in_blocks(self._score, columns, ROWS_AT_ONCE)

    def _score(self, columns: Columns) -> NDArray[np.float64]:
        probabilities = self._predict(columns)
        if columns.rows > 1:
            for row in _undecided(probabilities):
                probabilities[row] = self._predict(columns.take([row]))[0]
        return _rounded(probabilities)

    def _predict(self, columns: Columns) -> NDArray[np.float64]:
        # OpenMP threads stall forked workers for seconds, so each call is limited to one thread.
        with self._threads.limit(limits=1):
            probabilities = self._classifier.predict_proba(to_frame(columns, self._signature))
        return np.array(probabilities[:, self._positive], dtype=np.float64)


def _rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(probabilities / _STEP) * _STEP


def _undecided(probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of the rows whose rounding could depend on noise."""
    return np.flatnonzero(_rounded(probabilities - _NOISE) != _rounded(probabilities + _NOISE))


def to_frame(columns: Columns, signature: Signature) -> pd.DataFrame:
    """Columns as the DataFrame that a pipeline takes in `fit` and `predict_proba`: n rows, one column per feature."""
    numbers = iter(columns.numbers.T)
    texts = iter(np.where(columns.texts == "", np.nan, columns.texts).T)
    return pd.DataFrame(
        {feature.name: next(numbers) if feature.numeric else next(texts) for feature in signature.features},
        index=pd.RangeIndex(columns.rows),
    )


def positive_index(classes: Any, target: Target) -> int:
    """The index of the positive label among a classifier's two classes. Raises ValueError where it is missing."""
    texts = [str(label).lower() for label in classes]
    if len(texts) != 2:
        raise ValueError(f"the classifier has {len(texts)} classes; a churn model has two")
    if target.positive.lower() in texts:
        return texts.index(target.positive.lower())
    if texts in (["0", "1"], ["false", "true"], ["0.0", "1.0"]):
        return 1
    raise ValueError(f"the classifier's classes are {texts[0]!r} and {texts[1]!r}: neither is {target.positive!r}")


def disable_parallel_jobs(classifier: Any) -> None:
    """Set every `n_jobs` in a classifier to 1: starting joblib workers costs far more than scoring a small batch."""
    jobs = [name for name in classifier.get_params(deep=True) if name == "n_jobs" or name.endswith("__n_jobs")]
    classifier.set_params(**dict.fromkeys(jobs, 1))
