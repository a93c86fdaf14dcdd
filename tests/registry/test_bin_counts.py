"""Counting records by the bins of a baseline."""

import json

import numpy as np
import pytest
from builders import customers, feature, signature, write_csv
from conftest import train_on
from hypothesis import given
from hypothesis import strategies as st

from churn_api.contract.columns import ColumnsBuilder
from churn_api.registry.baseline import FeatureBins
from churn_api.registry.bin_counts import SAMPLE_ROWS, BinCounter
from churn_api.registry.bundle import BundleError
from churn_api.registry.model import load_model

SIGNATURE = signature(
    feature("tenure", "integer"),
    feature("partner", "boolean"),
    feature("contract", "string", choices=("monthly", "yearly", "weekly"), unseen="accept"),
    feature("city", "string"),
)
COUNTER = BinCounter(
    SIGNATURE,
    [
        FeatureBins(feature="tenure", edges=(1.0, 10.0)),
        FeatureBins(feature="partner", edges=(0.5,)),
        FeatureBins(feature="contract", choices=("monthly", "yearly")),
        FeatureBins(feature="city", choices=("Ulm",)),
    ],
)

RECORDS = st.lists(
    st.tuples(
        st.none() | st.integers(-5, 20),
        st.none() | st.booleans(),
        st.none() | st.sampled_from(["monthly", "yearly", "weekly", "daily"]),
        st.none() | st.sampled_from(["Ulm", "Bonn"]),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=60,
)


def counted(rows):
    columns = ColumnsBuilder(SIGNATURE).build_from_rows([row[:-1] for row in rows])
    return COUNTER.count(columns, np.array([row[-1] for row in rows]))


@pytest.mark.parametrize(
    ("row", "bins"),
    [
        ((1, True, "monthly", "Ulm", 0.0), (0, 1, 0, 0, 0)),
        ((2, False, "weekly", "Bonn", 0.02), (1, 0, 2, 1, 1)),
        ((10, None, "daily", None, 0.5), (1, 2, 3, 3, 25)),
        ((11, True, None, "Ulm", 1.0), (2, 1, 4, 0, 49)),
        ((None, True, "yearly", "Ulm", 0.999), (3, 1, 1, 0, 49)),
    ],
)
def test_bins(row, bins):
    """A value at an edge belongs below it; other, unseen and missing texts are three things."""
    split = COUNTER.split(counted([row]))
    assert tuple(int(np.argmax(each)) for each in (*split.features, split.scores)) == bins
    assert split.sums.sum() == row[-1]


@given(RECORDS)
def test_every_record_counts_once(rows):
    """Each record is in one bin of each feature, and the sum of the probabilities is kept."""
    split = COUNTER.split(counted(rows))
    assert split.rows == len(rows)
    assert all(each.sum() == len(rows) for each in split.features)
    assert split.sums.sum() == pytest.approx(sum(row[-1] for row in rows))


@given(RECORDS, RECORDS)
def test_counts_add_up(some, others):
    """Records counted apart and added are those counted together."""
    assert counted(some) + counted(others) == pytest.approx(counted([*some, *others]))


def test_sample():
    """Of a large batch so many records count, whatever its size; of a small one all."""
    rows = [(5, True, "monthly", "Ulm", 0.3)] * (SAMPLE_ROWS + 1)
    columns = ColumnsBuilder(SIGNATURE).build_from_rows([row[:-1] for row in rows])
    for size, expected in ((SAMPLE_ROWS + 1, SAMPLE_ROWS), (SAMPLE_ROWS, SAMPLE_ROWS), (3, 3)):
        counts = COUNTER.count_sample(columns.take(range(size)), np.full(size, 0.3))
        assert COUNTER.split(counts).rows == expected


def renamed(baseline):
    baseline["features"][0]["feature"] = "age"


def without_rows(baseline):
    baseline["scores"]["counts"] = [0] * 50


def descending(baseline):
    baseline["features"][0]["edges"].reverse()


def countless(baseline):
    baseline["features"][0] |= {"edges": list(range(1000)), "counts": [1] * 1002}


def without_counts(baseline):
    baseline["features"][0]["counts"] = []


@pytest.mark.parametrize("spoil", [renamed, without_rows, descending, countless, without_counts])
def test_spoilt_baseline(tmp_path, spoil):
    """A bundle whose baseline is not one of its signature, or none at all, is refused, whatever is wrong with it."""
    train_on(write_csv(customers(), tmp_path / "table.csv"), tmp_path, "small")
    path = tmp_path / "small" / "1" / "card.json"
    card = json.loads(path.read_bytes())
    spoil(card["baseline"])
    path.write_text(json.dumps(card))
    with pytest.raises(BundleError):
        load_model(path.parent)
