"""Predictions for DataFrames and Arrow tables from Python."""

import json
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from builders import customers, write_csv

import churn_api

ROWS = 40
TABLE = customers(ROWS, seed=6)


@pytest.fixture(scope="module")
def small(models_dir):
    """The model on `builders.customers`."""
    return churn_api.load(models_dir / "small" / "1")


@pytest.fixture(scope="module")
def opened(models_dir):
    """Its second version, which accepts out-of-vocabulary categories of `Region`."""
    return churn_api.load(models_dir / "small" / "2")


def predictions(predictor, table=TABLE):
    """The prediction of each row as a single record."""
    rows = table.assign(Partner=table["Partner"] == "Yes").drop(columns="Churn").to_dict("records")
    return [(one.prediction, one.probability, one.band) for one in map(predictor.predict, rows)]


def rows_of(frame):
    return list(frame.itertuples(index=False, name=None))


def test_frame(small):
    """A training table gives a DataFrame with its index, and each row gets the same prediction as its record."""
    table = TABLE.set_index(pd.Index([f"row {number}" for number in range(ROWS)], name="which")).iloc[::-1]
    predicted = small.predict_many(table)
    assert list(predicted.columns) == ["churn_prediction", "churn_probability", "risk_band"]
    assert predicted.index.equals(table.index)
    assert predicted.index.name == "which"
    assert rows_of(predicted) == predictions(small, table)
    assert list(table.join(predicted).columns) == [*table.columns, *predicted.columns]


def test_index_with_doubled_labels(small):
    """Rows with equal labels get predictions in their order."""
    twice = pd.concat([TABLE, TABLE])
    assert rows_of(small.predict_many(twice)) == predictions(small) * 2


def test_arrow(small):
    """An Arrow table with any chunks gives an Arrow table with the same predictions; so does any Arrow stream."""
    table = pa.Table.from_pandas(TABLE)
    predicted = small.predict_many(table)
    assert isinstance(predicted, pa.Table)
    assert rows_of(predicted.to_pandas()) == predictions(small)
    assert small.predict_many(pa.concat_tables([table.slice(0, 7), table.slice(7)])) == predicted
    assert small.predict_many(table.combine_chunks().to_batches()[0]) == predicted


def test_same_as_by_http(small, client):
    """The rows get the same probabilities as over HTTP for the same table."""
    body = TABLE.to_csv(index=False).encode()
    query = {"version": "1", "layout": "columns"}
    answer = client.post(
        "/api/v1/batch-predict/small",
        data=body,
        content_type="text/csv",
        headers={"Accept": "application/json"},
        query_string=query,
    )
    predicted = small.predict_many(TABLE)
    assert answer.json["predictions"]["churn_probability"] == predicted["churn_probability"].tolist()
    assert answer.json["predictions"]["risk_band"] == predicted["risk_band"].tolist()


def test_threshold(small):
    """The caller's threshold replaces the model's."""
    assert small.predict_many(TABLE, threshold=0)["churn_prediction"].tolist() == [1] * ROWS
    assert small.predict_many(pa.Table.from_pandas(TABLE), threshold=1)["churn_prediction"].to_pylist() == [0] * ROWS


def test_no_rows(small):
    """A table without rows gives a table without rows, with the same columns."""
    for none in (TABLE.iloc[:0], pa.Table.from_pandas(TABLE).slice(0, 0)):
        predicted = small.predict_many(none)
        assert (len(predicted), len(predicted.columns)) == (0, 3)


AS_TYPES = {
    "nullable": lambda table: table.convert_dtypes(),
    "Arrow's": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda table: table.astype({"Contract": "category", "Region": "category", "tenure": "category"}),
    "objects": lambda table: table.astype(object),
    "small numbers": lambda table: table.astype({"tenure": "uint8"}),
    "decimals": lambda table: table.assign(
        MonthlyCharges=[None if np.isnan(number) else Decimal(str(number)) for number in table["MonthlyCharges"]]
    ),
    "numbers as text": lambda table: table.assign(
        tenure=table["tenure"].astype(str), Partner=table["Partner"] == "Yes"
    ),
    "several types": lambda table: table.assign(tenure=[str(n) if n % 2 else n for n in table["tenure"]]),
    "sparse": lambda table: table.assign(tenure=pd.arrays.SparseArray(table["tenure"])),
    "other columns": lambda table: table.assign(**{"": [object()] * len(table), "Regions": [[1]] * len(table)}),
    "numbers for names": lambda table: table.assign(other=1).rename(columns={"other": 7}),
    "other columns twice": lambda table: pd.concat([table.assign(x=1), table.assign(x=1)[["x"]]], axis=1),
}


@pytest.mark.parametrize("kind", AS_TYPES)
def test_types_of_columns(small, kind):
    """Whatever the pandas types of the same cells, and with any other columns, rows get the same predictions."""
    assert rows_of(small.predict_many(AS_TYPES[kind](TABLE))) == predictions(small)


def faults(predictor, table):
    with pytest.raises(churn_api.InvalidRecord) as caught:
        predictor.predict_many(table)
    return [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize("form", [lambda table: table, pa.Table.from_pandas], ids=["pandas", "arrow"])
def test_bad_rows(small, form):
    """Every fault of every row has the row's position and its column, and nothing is predicted."""
    table = TABLE.set_index("customerID", drop=False).astype({"tenure": "Float64"})
    table.iloc[3, table.columns.get_loc("Contract")] = "One yaer"
    table.iloc[17, table.columns.get_loc("tenure")] = None
    table.iloc[18, table.columns.get_loc("tenure")] = 2.5
    assert faults(small, form(table)) == [
        ("#/3/Contract", "not-a-choice"),
        ("#/17/tenure", "required"),
        ("#/18/tenure", "wrong-type"),
    ]


@pytest.mark.parametrize("form", [lambda table: table, pa.Table.from_pandas], ids=["pandas", "arrow"])
def test_bad_columns(small, form):
    """A missing column is reported by name, with the most similar column; so is a duplicated column."""
    renamed = form(TABLE.rename(columns={"tenure": "Tenure"}).drop(columns="Contract"))
    assert faults(small, renamed) == [("#/tenure", "required"), ("#/Contract", "required")]
    with pytest.raises(churn_api.InvalidRecord, match="Column 2 is unknown: did you mean 'tenure'"):
        small.predict_many(renamed)
    assert faults(small, form(TABLE.assign(customer_id=1))) == [("#/customer_id", "sent-twice")]


def test_doubled_columns(small):
    """A duplicated column is a fault, since it is ambiguous."""
    twice = pd.concat([TABLE, TABLE[["tenure"]]], axis=1)
    arrow = pa.Table.from_pandas(TABLE).append_column("tenure", pa.array([1] * ROWS))
    assert faults(small, twice) == faults(small, arrow) == [("#/tenure", "sent-twice")]


@pytest.mark.parametrize(
    "cells",
    [
        [[1]] * ROWS,
        [b"1"] * ROWS,
        [1j] * ROWS,
        [object()] * ROWS,
        pd.Series(["\ud800"] * ROWS, dtype=object),
        [float("inf"), "1"] * (ROWS // 2),
        pd.period_range("2020-01", periods=ROWS, freq="M"),
        pd.interval_range(0, ROWS),
    ],
    ids=["lists", "bytes", "complex", "objects", "no Unicode", "infinity among texts", "periods", "intervals"],
)
def test_cells_that_are_no_values(small, cells):
    """A column that is neither text, number nor boolean is one fault, which has the column's position."""
    table = TABLE.assign(tenure=pd.Series(cells))
    assert faults(small, table) == [("#", "malformed-table")]
    with pytest.raises(churn_api.InvalidRecord, match="column 2 "):
        small.predict_many(table)


def test_a_column_is_no_table(small):
    """A column instead of a table raises TypeError."""
    with pytest.raises(TypeError, match="DataFrame"):
        small.predict_many(TABLE["tenure"])


def test_unseen_categories(opened):
    """Out-of-vocabulary categories are scored as for records, with a warning at the caller's line."""
    table = TABLE.assign(Region=["Middle Earth", "North"] * (ROWS // 2))
    expected = predictions(opened, table)
    with pytest.warns(churn_api.UnseenCategoryWarning, match="20 rows have a category of 'Region'") as caught:
        predicted = opened.predict_many(table)
    assert rows_of(predicted) == expected
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened.predict_many(TABLE)


def test_numbers_outside_training(small):
    """Numbers far outside the range that training saw are warned of by column, at the caller's line."""
    with pytest.warns(churn_api.OutsideTrainingWarning, match="1 row has a value of 'tenure' far outside") as caught:
        small.predict_many(TABLE.assign(tenure=[900, *TABLE["tenure"][1:]]))
    assert [warning.filename for warning in caught] == [__file__]


def test_many_faults(small):
    """The first thousand faults are listed, and the others counted."""
    bad = pd.concat([TABLE.assign(tenure=None)] * 50)
    with pytest.raises(churn_api.InvalidRecord) as caught:
        small.predict_many(bad)
    assert (len(caught.value.faults), caught.value.more) == (1000, 1000)


def test_file_of_a_notebook(small, tmp_path):
    """The unchanged result of `pandas.read_csv` on a training file can be scored, including blank cells."""
    path = write_csv(TABLE, tmp_path / "customers.csv")
    assert rows_of(small.predict_many(pd.read_csv(path))) == predictions(small)
    assert json.loads(small.predict_many(pd.read_csv(path)).to_json(orient="records"))[0].keys() == {
        "churn_prediction",
        "churn_probability",
        "risk_band",
    }
