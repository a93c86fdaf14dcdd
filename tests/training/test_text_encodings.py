"""Columns of more than fifty texts: training says in which form it learned from them."""

import numpy as np
import pytest
from builders import customers, write_csv
from conftest import train_on


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A table with 60 cities, and 50 shops, which are few enough to be listed."""
    rng = np.random.default_rng(2)
    table = customers(1000).assign(
        city=[f"city {n % 60}" for n in rng.permutation(1000)], shop=[f"shop {n % 50}" for n in rng.permutation(1000)]
    )
    return write_csv(table, tmp_path_factory.mktemp("cities") / "t.csv")


@pytest.mark.parametrize(
    ("estimator", "done", "otherwise"),
    [
        (
            "logistic",
            "the 50 most frequent are categories, and the others none of them",
            "--estimator boosting or wide for target encoding",
        ),
        (
            "boosting",
            "each is replaced by its rate of churn (target encoding)",
            "--estimator logistic to learn from the 50 most frequent",
        ),
    ],
)
def test_form(path, tmp_path, estimator, done, otherwise):
    """The remark names the column, its texts, the form that was chosen, and what has another; fifty need none."""
    card = train_on(path, tmp_path, "m", estimator=estimator)
    remarks = [one.text for one in card.training.remarks if "different texts" in one.text]
    assert remarks == [f"column 'city' has 60 different texts: {done} ({otherwise}, --exclude 'city' to leave it out)"]
