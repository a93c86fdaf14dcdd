"""The scorer of last resort: the fitted pipeline itself, for a model whose compilation could not be proven.

What the pipeline is given: a pandas frame with one column a feature, in the signature's order. Integers, numbers and
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
"""A frame copies what it is made of, and each step of a pipeline the frame; a call itself takes milliseconds."""

_STEP = 2.0**-28
_NOISE = 2.0**-44


class SklearnScorer:
    """Scores with a classifier that has `predict_proba`, on one thread.

    BLAS adds in an order that depends on the number of rows, so the last digits of a probability (about 1e-16) are not
    the same alone and among others. Probabilities are therefore rounded to multiples of 2^-28 (4e-9); a row that lies
    so close to the middle between two multiples that noise decides (one in 30,000) gets what it gets alone. So a record
    has the same double alone and in any batch, provided that the noise of its pipeline stays below 2^-44 (6e-14), as it
    does where doubles are added that are not huge. A pipeline that computes in float32, or branches on a sum (trees
    behind a PCA), is not covered.
    """

    def __init__(self, classifier: Any, signature: Signature) -> None:
        one_job(classifier)
        self._classifier = classifier
        self._signature = signature
        self._positive = positive_index(classifier.classes_, signature.target)
        self._threads = ThreadpoolController()

    @classmethod
    def from_joblib(cls, data: bytes, signature: Signature) -> Self:
        """Unpickle a classifier. The caller has made sure that the bytes are its own: unpickling runs code."""
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
        # OpenMP's threads stall forked workers for seconds: one thread, set around each call.
        with self._threads.limit(limits=1):
            probabilities = self._classifier.predict_proba(to_frame(columns, self._signature))
        return np.array(probabilities[:, self._positive], dtype=np.float64)


def _rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(probabilities / _STEP) * _STEP


def _undecided(probabilities: NDArray[np.float64]) -> NDArray[np.intp]:
    """The rows whose noise decides which way they are rounded."""
    return np.flatnonzero(_rounded(probabilities - _NOISE) != _rounded(probabilities + _NOISE))


def to_frame(columns: Columns, signature: Signature) -> pd.DataFrame:
    """Columns as the frame that a pipeline is fitted on and asked with."""
    numbers = iter(columns.numbers.T)
    texts = iter(np.where(columns.texts == "", np.nan, columns.texts).T)
    return pd.DataFrame(
        {feature.name: next(numbers) if feature.numeric else next(texts) for feature in signature.features},
        index=pd.RangeIndex(columns.rows),
    )


def positive_index(classes: Any, target: Target) -> int:
    """Which of a classifier's two classes is the target's positive label. Raises ValueError where neither is."""
    texts = [str(label).lower() for label in classes]
    if len(texts) != 2:
        raise ValueError(f"the classifier has {len(texts)} classes; a churn model has two")
    if target.positive.lower() in texts:
        return texts.index(target.positive.lower())
    if texts in (["0", "1"], ["false", "true"], ["0.0", "1.0"]):
        return 1
    raise ValueError(f"the classifier's classes are {texts[0]!r} and {texts[1]!r}: neither is {target.positive!r}")


def one_job(classifier: Any) -> None:
    """Set every `n_jobs` inside a classifier to 1: joblib's workers cost far more than a small batch does."""
    jobs = [name for name in classifier.get_params(deep=True) if name == "n_jobs" or name.endswith("__n_jobs")]
    classifier.set_params(**dict.fromkeys(jobs, 1))
