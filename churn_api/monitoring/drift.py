"""Drift: whether rows spread over bins as the training rows did.

A difference counts where it is significant (chi-square of two samples) and large enough to matter (the population
stability index, PSI). The index alone is above its usual limits by chance in small samples; the test alone calls every
trifle significant in large ones (Yurdakul 2018; arXiv 2307.11878).
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOVED_PSI = 0.02
DRIFTED_PSI = 0.10
_ADDED_ROWS = 0.5
"""Added to each bin for the index: the logarithm of an empty one is infinite."""


class DriftState(IntEnum):
    """The result of a comparison, in ascending order of severity."""

    quiet = 0
    moved = 1
    drifted = 2


class Drift(NamedTuple):
    """One comparison of a window with the baseline."""

    state: DriftState
    psi: float
    statistic: float
    """Chi-square; compared with the critical value in the card."""


def compare(reference: ArrayLike, window: ArrayLike, critical: float) -> Drift:
    """Compare the rows by bin of a window with those of the baseline; both have shape (bins,) and are not empty."""
    before, after = np.asarray(reference, np.float64), np.asarray(window, np.float64)
    statistic, psi = chi_square(before, after), stability_index(before, after)
    state = DriftState.quiet
    if statistic >= critical and psi >= MOVED_PSI:
        state = DriftState.drifted if psi >= DRIFTED_PSI else DriftState.moved
    return Drift(state, psi, statistic)


def chi_square(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """The chi-square statistic of two samples of different size (Numerical Recipes, section 14.3)."""
    rows, own = reference.sum(), window.sum()
    both = reference + window
    used = both > 0
    difference = np.sqrt(rows / own) * window[used] - np.sqrt(own / rows) * reference[used]
    return float((difference**2 / both[used]).sum())


def stability_index(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """The population stability index of the shares of each bin, half a row added to each that either uses."""
    used = reference + window > 0
    before, after = _shares(reference[used]), _shares(window[used])
    return float(((after - before) * np.log(after / before)).sum())


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    added = counts + _ADDED_ROWS
    return np.asarray(added / added.sum())
