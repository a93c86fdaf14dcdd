"""Rows that a packaged pipeline cannot score."""

import numpy as np
import pandas as pd
import pytest
from builders import feature, signature
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from churn_api.contract.columns import ColumnsBuilder
from churn_api.scoring.sklearn import SklearnScorer
from churn_api.training.scorable_rows import check_rows
from churn_api.training.training_error import TrainingError

SIGNATURE = signature(feature("a", "number"), feature("b", "number"))


def only_positive(values):
    if (values < 0).any(axis=None):
        raise ValueError(f"no model of {values}")
    return values


@pytest.mark.parametrize("row", [0, 7, 19])
@pytest.mark.parametrize(("bad", "described"), [((None, -1), "which lacks 'a'"), ((3, -1), "which lacks no value")])
def test_first_row_that_cannot_be_scored(row, bad, described):
    """The error names the first such row and what it lacks, and none of its values."""
    pipeline = make_pipeline(FunctionTransformer(only_positive), DecisionTreeClassifier())
    pipeline.fit(pd.DataFrame(np.arange(40.0).reshape(20, 2), columns=["a", "b"]), ["No", "Yes"] * 10)
    columns = ColumnsBuilder(SIGNATURE).build_from_rows([bad if number == row else (1, 2) for number in range(20)])
    scorer = SklearnScorer(pipeline, SIGNATURE)
    with pytest.raises(TrainingError, match=f"cannot score row {row}, {described}: ") as caught:
        check_rows(scorer, SIGNATURE, columns, "row {}".format)
    assert "-1" not in str(caught.value)
