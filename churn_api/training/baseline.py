"""Makes the baseline of a bundle from its training rows."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Feature, Signature
from churn_api.registry.baseline import SCORE_BINS, Baseline, FeatureBaseline, FeatureBins, ScoreBaseline
from churn_api.registry.bin_counts import BinCounter, score_bins

MIN_ROWS = 200
"""With fewer training rows, nearly every difference is chance."""
FALSE_ALARMS = 0.01
"""The share of windows of unchanged customers in which any feature exceeds its critical value."""
_DECILES = np.linspace(0.1, 0.9, 9)
_LISTED = 10
_LISTED_SHARE = 0.5
"""Texts whose ten most frequent values have less than this share of the rows say who a customer is: not watched."""

Doubles = NDArray[np.float64]


def baseline_of(
    signature: Signature, columns: Columns, scores: Doubles, fitted_scores: Doubles | None = None
) -> Baseline | None:
    """The baseline of n training rows; None where they are too few.

    `scores`, of any length, are probabilities of rows that the pipeline was not fitted on, `fitted_scores` those of
    rows that it was fitted on.
    """
    if columns.rows < MIN_ROWS or len(scores) < MIN_ROWS:
        return None
    bins = [each for each in _bins(signature, columns) if each is not None]
    counter = BinCounter(signature, bins)
    counted = counter.split(counter.count(columns, np.zeros(columns.rows)))
    alpha = FALSE_ALARMS / (len(bins) + 1)
    features = [
        FeatureBaseline(
            feature=each.feature,
            edges=each.edges,
            choices=each.choices,
            counts=tuple(map(int, counts)),
            critical=_critical(counts, alpha),
        )
        for each, counts in zip(bins, counted.features, strict=True)
    ]
    return Baseline(
        rows=columns.rows,
        features=tuple(features),
        scores=_scores(scores, alpha),
        fitted_scores=None if fitted_scores is None else _scores(fitted_scores, alpha),
    )


def _bins(signature: Signature, columns: Columns) -> list[FeatureBins | None]:
    numbers, texts = iter(columns.numbers.T), iter(columns.texts.T)
    return [
        _of_numbers(each, next(numbers)) if each.numeric else _of_texts(each, next(texts))
        for each in signature.features
    ]


def _of_numbers(feature: Feature, cells: Doubles) -> FeatureBins:
    values = cells[~np.isnan(cells)]
    edges: Doubles = np.array([0.5])
    if feature.type != "boolean":
        edges = np.unique(np.quantile(values, _DECILES, method="inverted_cdf")) if len(values) else np.empty(0)
        # Above the largest value is no row.
        edges = edges[edges < values.max(initial=-np.inf)]
    return FeatureBins(feature=feature.name, edges=tuple(edges.tolist()))


def _of_texts(feature: Feature, cells: NDArray[np.object_]) -> FeatureBins | None:
    counts = Counter(cells.tolist())
    given = len(cells) - counts.pop("", 0)
    frequent = counts.most_common(_LISTED)
    if feature.choices is None and sum(count for _, count in frequent) < _LISTED_SHARE * given:
        return None
    return FeatureBins(feature=feature.name, choices=tuple(text for text, _ in frequent))


def _scores(scores: Doubles, alpha: float) -> ScoreBaseline:
    bins = score_bins(scores)
    counts = np.bincount(bins, minlength=SCORE_BINS)
    sums = np.bincount(bins, scores, SCORE_BINS)
    return ScoreBaseline(counts=tuple(counts.tolist()), sums=tuple(sums.tolist()), critical=_critical(counts, alpha))


def _critical(counts: NDArray[np.float64] | NDArray[np.intp], alpha: float) -> float:
    """The quantile of chi-square with one degree of freedom less than there are bins with rows."""
    return float(chi2.ppf(1 - alpha, max(1, np.count_nonzero(counts) - 1)))
