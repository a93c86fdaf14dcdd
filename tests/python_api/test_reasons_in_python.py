"""Reasons in the Python API."""

import pickle
import shutil

import pandas as pd
import pyarrow as pa
import pytest
from builders import CUSTOMER, customers

import churn_api


@pytest.fixture(scope="module")
def small(models_dir):
    return churn_api.load(models_dir / "small" / "2")


def test_same_as_over_http(client, small):
    """A prediction has the reasons that the API gives, in the language that is asked for."""
    for language in ("en", "de"):
        headers = {"Accept-Language": language}
        answer = client.post("/api/v1/predict/small?reasons=3", json=CUSTOMER, headers=headers).json
        found = small.predict(CUSTOMER, reasons=3, language=language).explanation
        assert [(one.feature, one.value, one.contribution, one.points, one.text) for one in found.reasons] == [
            tuple(one[name] for name in ("feature", "value", "contribution", "points", "text"))
            for one in answer["reasons"]
        ]
        assert (found.others, found.base, found.score) == (answer["others"], answer["base"], answer["log_odds"])
        assert (found.scale, found.method) == ("log_odds", answer["reasons_method"])


def test_none_without_asking(small):
    """Without `reasons` a prediction has none."""
    assert small.predict(CUSTOMER).explanation is None


def test_many(small):
    """Of many records each has the reasons that it has alone, and predictions with reasons can be pickled."""
    records = [CUSTOMER, CUSTOMER | {"tenure": 70}]
    many = small.predict_many(records, reasons=2)
    assert [one.explanation for one in many] == [small.predict(record, reasons=2).explanation for record in records]
    assert pickle.loads(pickle.dumps(many)) == many  # noqa: S301


@pytest.mark.parametrize("kind", [pd.DataFrame, pa.Table.from_pandas])
def test_tables_in_memory(small, kind):
    """A DataFrame or an Arrow table gets the names and contributions as columns."""
    frame = customers(20)
    found = small.predict_many(kind(frame), reasons=1)
    table = found if isinstance(found, pd.DataFrame) else found.to_pandas()
    alone = [small.predict(row.drop("Churn"), reasons=1).explanation.reasons[0] for _, row in frame.iterrows()]
    assert table["reason_1"].tolist() == [one.feature for one in alone]
    assert table["reason_1_contribution"].tolist() == [one.contribution for one in alone]


@pytest.mark.parametrize("options", [{"reasons": -1}, {"reasons": 21}, {"reasons": 1, "language": "xx"}])
def test_options_that_are_refused(small, options):
    """More than 20 reasons, or a language that there is not, is a ValueError."""
    with pytest.raises(ValueError, match=r"reasons|languages"):
        small.predict(CUSTOMER, **options)


def test_no_reasons(models_dir, tmp_path):
    """A model without reasons raises NoReasons, which says why."""
    folder = shutil.copytree(models_dir / "small" / "2", tmp_path / "small" / "2")
    (folder / "reasons.onnx").unlink()
    with pytest.raises(churn_api.NoReasons, match=r"reasons\.onnx"):
        churn_api.load(folder).predict(CUSTOMER, reasons=1)
