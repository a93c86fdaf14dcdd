"""The candidate pipelines. All accept missing values and out-of-vocabulary categories.

The steps of a ColumnTransformer give sparse or dense columns; none has a dense column per category, so memory does not
grow with the number of categories.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Feature, Signature
from churn_api.tables.inference import MAX_CHOICES
from churn_api.training.candidate_list import Settings, candidate_named

SEED = 0
"""The default of `--seed`."""

FREE_TEXT = "free_text"
"""The name of the step that encodes columns with too many categories to list."""


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How candidates learn, whatever the table."""

    seed: int = SEED
    class_weight: str | None = None
    """`balanced`: each class counts alike in the fit, whatever its share of the rows."""
    settings: Mapping[str, Settings] = field(default_factory=dict)
    """Settings by candidate, in place of their defaults."""

    def of(self, candidate: str) -> dict[str, Any]:
        """All settings of a candidate."""
        return {**candidate_named(candidate).defaults, **self.settings.get(candidate, {})}


Make = Callable[[Signature, Columns, Learning], Pipeline]


def logistic(signature: Signature, columns: Columns, learning: Learning) -> Pipeline:
    """Regularised logistic regression on scaled numbers, their quantile bins, and one-hot categories.

    Quantile bins make the model nonlinear: churn falls steeply in the first months, then flattens. Bins and categories
    are many and correlated; a tenth of scikit-learn's default of C stabilises small tables.
    """
    settings = learning.of("logistic")
    measured = [f.name for f in signature.features if f.measured]
    flags = [f.name for f in signature.features if f.type == "boolean"]
    bins = _quantile_bins(settings["bins"], learning.seed)
    steps = [
        ("numbers", make_pipeline(_imputer("median"), make_union(StandardScaler(), bins)), measured),
        ("flags", _imputer("most_frequent"), flags),
        ("categories", _one_hot(signature, columns), _names(_texts(signature))),
    ]
    classifier = LogisticRegression(C=settings["c"], max_iter=settings["max_steps"], class_weight=learning.class_weight)
    return _pipeline(steps, classifier)


def boosting(signature: Signature, columns: Columns, learning: Learning) -> Pipeline:
    """Histogram gradient boosting of small trees."""
    del columns
    return _boosted(signature, learning, learning.of("boosting"))


def wide(signature: Signature, columns: Columns, learning: Learning) -> Pipeline:
    """Histogram gradient boosting of large trees."""
    del columns
    return _boosted(signature, learning, learning.of("wide"))


CANDIDATES: dict[str, Make] = {"logistic": logistic, "boosting": boosting, "wide": wide}
"""By the names of `candidate_list.CANDIDATE_LIST`."""


def reached_cap(pipeline: Pipeline, candidate: str, learning: Learning) -> bool:
    """Whether a fitted candidate learned for as long as its cap allows, and might have learned more."""
    steps = np.max(pipeline.named_steps["classifier"].n_iter_)
    return bool(steps >= learning.of(candidate)[candidate_named(candidate).cap])


def _boosted(signature: Signature, learning: Learning, settings: dict[str, Any]) -> Pipeline:
    """Boosting with early stopping. Trees split up to fifty categories into sets, and more by their rate of churn."""
    texts = _texts(signature)
    listed = [feature for feature in texts if 0 < len(feature.choices or ()) <= MAX_CHOICES]
    steps = [
        ("categories", _ordinal(listed), _names(listed)),
        (FREE_TEXT, _by_rate(learning.seed), _names([feature for feature in texts if feature not in listed])),
        ("numbers", "passthrough", [f.name for f in signature.features if f.numeric]),
    ]
    classifier = HistGradientBoostingClassifier(
        learning_rate=settings["learning_rate"],
        max_iter=settings["max_rounds"],
        max_leaf_nodes=settings["max_leaves"],
        max_depth=settings["max_depth"],
        min_samples_leaf=settings["min_leaf"],
        l2_regularization=settings["l2"],
        early_stopping=True,
        n_iter_no_change=settings["patience"],
        categorical_features=list(range(len(listed))) or None,
        class_weight=learning.class_weight,
        random_state=learning.seed,
    )
    return _pipeline(steps, classifier)


def _pipeline(steps: Sequence[tuple[str, object, list[str]]], classifier: object) -> Pipeline:
    used = [step for step in steps if step[2]]
    return Pipeline([("columns", ColumnTransformer(used)), ("classifier", classifier)])


def _imputer(strategy: str) -> SimpleImputer:
    return SimpleImputer(strategy=strategy, keep_empty_features=True)


def _quantile_bins(bins: int, seed: int) -> KBinsDiscretizer:
    return KBinsDiscretizer(bins, encode="onehot", quantile_method="averaged_inverted_cdf", random_state=seed)


def _one_hot(signature: Signature, columns: Columns) -> OneHotEncoder:
    """One-hot encoding of fixed categories: a missing value or an out-of-vocabulary category is all zeros."""
    categories = [
        _choices(feature) if feature.choices else _most_frequent(columns.texts[:, index])
        for index, feature in enumerate(_texts(signature))
    ]
    return OneHotEncoder(categories=categories, handle_unknown="ignore")


def _ordinal(features: Sequence[Feature]) -> OrdinalEncoder:
    """The index of each listed category; a missing value and an out-of-vocabulary category are NaN."""
    return OrdinalEncoder(
        categories=[_choices(feature) for feature in features],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )


def _by_rate(seed: int) -> TargetEncoder:
    """The rate of churn of each category, smoothed; in training each row gets the rate of other rows."""
    return TargetEncoder(target_type="binary", cv=StratifiedKFold(5, shuffle=True, random_state=seed))


def _choices(feature: Feature) -> list[str]:
    return sorted(map(str, feature.choices or ()))


def _most_frequent(column: NDArray[np.object_]) -> list[str]:
    """The MAX_CHOICES most frequent values of a feature without listed choices."""
    values, counts = np.unique(column[column != ""].astype(str), return_counts=True)
    return sorted(values[np.argsort(-counts, kind="stable")][:MAX_CHOICES].tolist())


def _texts(signature: Signature) -> list[Feature]:
    return [feature for feature in signature.features if not feature.numeric]


def _names(features: Sequence[Feature]) -> list[str]:
    return [feature.name for feature in features]
