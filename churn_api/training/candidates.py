"""The candidate pipelines. All accept missing values and out-of-vocabulary categories."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.tables.inference import MAX_CHOICES

SEED = 0

BINS = 10
"""Quantile bins make the logistic model nonlinear: churn falls steeply in the first months, then flattens."""

REGULARISATION = 0.1
"""scikit-learn's C. Bins and categories are many and correlated; a tenth of the default stabilises small tables."""

Candidate = Callable[[Signature, Columns], Pipeline]


def logistic(signature: Signature, columns: Columns) -> Pipeline:
    """Regularised logistic regression on scaled numbers, their quantile bins, and one-hot categories."""
    measured = [f.name for f in signature.features if f.type in ("integer", "number")]
    flags = [f.name for f in signature.features if f.type == "boolean"]
    steps = [
        ("numbers", make_pipeline(_imputer("median"), make_union(StandardScaler(), _quantile_bins())), measured),
        ("flags", _imputer("most_frequent"), flags),
        ("categories", _one_hot(signature, columns), _text_names(signature)),
    ]
    classifier = LogisticRegression(C=REGULARISATION, max_iter=5000)
    return _pipeline(steps, classifier)


def boosting(signature: Signature, columns: Columns) -> Pipeline:
    """Histogram gradient boosting with early stopping, on unscaled numbers and one-hot categories."""
    steps = [
        ("numbers", "passthrough", [f.name for f in signature.features if f.numeric]),
        ("categories", _one_hot(signature, columns), _text_names(signature)),
    ]
    classifier = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=500,
        max_leaf_nodes=8,
        l2_regularization=1.0,
        early_stopping=True,
        n_iter_no_change=20,
        random_state=SEED,
    )
    return _pipeline(steps, classifier)


CANDIDATES: dict[str, Candidate] = {"logistic": logistic, "boosting": boosting}


def _pipeline(steps: Sequence[tuple[str, object, list[str]]], classifier: object) -> Pipeline:
    used = [step for step in steps if step[2]]
    return Pipeline([("columns", ColumnTransformer(used)), ("classifier", classifier)])


def _imputer(strategy: str) -> SimpleImputer:
    return SimpleImputer(strategy=strategy, keep_empty_features=True)


def _quantile_bins() -> KBinsDiscretizer:
    return KBinsDiscretizer(
        BINS,
        encode="onehot-dense",
        quantile_method="averaged_inverted_cdf",
        random_state=SEED,
    )


def _one_hot(signature: Signature, columns: Columns) -> OneHotEncoder:
    """One-hot encoding of fixed categories: a missing value or an out-of-vocabulary category is all zeros."""
    return OneHotEncoder(categories=_categories(signature, columns), handle_unknown="ignore", sparse_output=False)


def _categories(signature: Signature, columns: Columns) -> list[list[str]]:
    texts = [feature for feature in signature.features if not feature.numeric]
    return [
        sorted(map(str, feature.choices)) if feature.choices else _most_frequent(columns.texts[:, index])
        for index, feature in enumerate(texts)
    ]


def _most_frequent(column: NDArray[np.object_]) -> list[str]:
    """The MAX_CHOICES most frequent values of a feature without listed choices."""
    values, counts = np.unique(column[column != ""].astype(str), return_counts=True)
    return sorted(values[np.argsort(-counts, kind="stable")][:MAX_CHOICES].tolist())


def _text_names(signature: Signature) -> list[str]:
    return [feature.name for feature in signature.features if not feature.numeric]
