"""Which probabilities count as equal: those of a compiled model and its pipeline, of one record at two times."""

import numpy as np
from numpy.typing import NDArray

from churn_api.registry.card import Parity

_SMALLEST = 1e-300
"""Stands for 0 in log-odds, which would be infinite."""


def equal_probabilities(
    scored: NDArray[np.float64], expected: NDArray[np.float64], parity: Parity
) -> NDArray[np.bool_]:
    """Per row whether two probabilities of shape (n,) differ by no more than the parity's tolerances allow.

    Either tolerance suffices: near 0.5 a difference that no client can see may be large in log-odds, and where a sum of
    many trees is large, rounding moves log-odds by more than a probability there.
    """
    near = np.abs(scored - expected) <= parity.tolerance
    return np.asarray(near | (np.abs(_log_odds(scored) - _log_odds(expected)) <= parity.log_odds_tolerance), np.bool_)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probabilities, _SMALLEST, None)
    return np.asarray(np.log(inside) - np.log(np.clip(1 - probabilities, _SMALLEST, None)))
