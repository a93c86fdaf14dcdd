"""A model called from Python: records in several forms, predictions as objects."""

import json
import math
import pickle
import shutil
import subprocess
import sys
import typing
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from builders import CUSTOMER, customers

import churn_api
from churn_api.scoring.output import COLUMNS


@pytest.fixture(scope="module")
def small(models_dir):
    """The model on `builders.customers`."""
    return churn_api.load(models_dir / "small" / "1")


@pytest.fixture(scope="module")
def opened(models_dir):
    """Its second version, which accepts out-of-vocabulary categories of `Region`."""
    return churn_api.load(str(models_dir / "small" / "2"))


def test_prediction(small):
    """A prediction has the model's result, the model's name and version, and the identifier."""
    result = small.predict(CUSTOMER)
    assert (result.identifier, result.model, result.version, result.warnings) == ("C1", "small", "1", ())
    assert result.prediction == int(result.probability >= result.threshold)
    assert result.threshold == small.card.policy.threshold
    assert small.predict({name: value for name, value in CUSTOMER.items() if name != "customer_id"}).identifier is None


def test_prediction_has_every_column():
    """Each member of an HTTP response is an attribute of a prediction, with the type of its column."""
    hints = typing.get_type_hints(churn_api.Prediction)
    kinds = {"integer": int, "number": float, "string": str}
    assert {column.attribute: kinds[column.schema["type"]] for column in COLUMNS}.items() <= hints.items()
    assert {field.name for field in fields(churn_api.Prediction)} == hints.keys()


def test_threshold(small):
    """The caller's threshold replaces the model's, and must be a number from 0 to 1 inclusive."""
    probability = small.predict(CUSTOMER).probability
    decided = [
        small.predict(CUSTOMER, threshold=at).prediction for at in (0, probability, np.nextafter(probability, 1))
    ]
    assert decided == [1, 1, 0]
    assert small.predict_many([CUSTOMER], threshold=1)[0].threshold == 1
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="threshold"):
            small.predict(CUSTOMER, threshold=wrong)
        with pytest.raises(ValueError, match="threshold"):
            small.predict_many([], threshold=wrong)


def test_many(small):
    """Many records get the same predictions as single records, in order, from any iterable of mappings."""
    rows = [CUSTOMER | {"tenure": tenure, "customer_id": tenure} for tenure in range(30)]
    alone = [small.predict(row) for row in rows]
    assert len({one.probability for one in alone}) == 30
    assert small.predict_many(rows) == small.predict_many(iter(rows)) == alone
    assert small.predict_many([]) == []


@pytest.mark.parametrize("wrong", [CUSTOMER, "C1", b"C1", 3])
def test_one_instead_of_many(small, wrong):
    """One record, or a string, instead of many raises TypeError."""
    with pytest.raises(TypeError):
        small.predict_many(wrong)


def test_signature_and_card(small):
    """A predictor has the signature and the card of its model."""
    assert [feature.name for feature in small.signature.features][:2] == ["tenure", "MonthlyCharges"]
    assert (small.card.name, small.card.version, small.card.signature) == ("small", "1", small.signature)
    assert "small" in repr(small)


FAULTY = {"tenure": "5", "MonthlyCharges": 70.5, "Partner": True, "Contract": "One yaer", "Regoin": "North"}


def test_faults(small):
    """All faults of a record are raised together, each with its path, code, message and hint."""
    with pytest.raises(churn_api.InvalidRecord) as caught:
        small.predict(FAULTY)
    faults = {fault.pointer: (fault.code, fault.hint) for fault in caught.value.faults}
    assert faults == {
        "#/tenure": ("wrong-type", "Send it without quotes."),
        "#/Contract": ("not-a-choice", "Did you mean 'One year'?"),
        "#/Regoin": ("unknown-field", "Did you mean 'Region'?"),
    }
    assert all(fault.message for fault in caught.value.faults)


def test_faults_of_many(small):
    """The faults of all records are raised together, each under its record's index, and nothing is predicted."""
    with pytest.raises(churn_api.InvalidRecord) as caught:
        small.predict_many([CUSTOMER, CUSTOMER | {"tenure": None}, CUSTOMER, 3])
    assert [fault.pointer for fault in caught.value.faults] == ["#/1/tenure", "#/3"]


def test_text_of_faults(small):
    """The exception's text has the first faults, but no value and no unknown field's name."""
    with pytest.raises(churn_api.InvalidRecord) as caught:
        small.predict_many([FAULTY] * 5)
    text = str(caught.value)
    assert text.startswith("15 faults\n  #/0/tenure Must be an integer.")
    assert text.endswith("...")
    assert "Did you mean 'Region'?" in text
    assert not {"yaer", "Regoin"} & set(text.replace("'", " ").split())


def test_passes_between_processes(small):
    """Predictions and faults can be pickled, and faults survive JSON, for process pools and task queues."""
    prediction = small.predict(CUSTOMER)
    assert pickle.loads(pickle.dumps(prediction)) == prediction  # noqa: S301
    with pytest.raises(churn_api.InvalidRecord) as caught:
        small.predict(FAULTY)
    by_pickle = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    by_json = churn_api.InvalidRecord(*json.loads(json.dumps(caught.value.args)))
    for again in (by_pickle, by_json):
        assert (again.faults, again.more, str(again)) == (caught.value.faults, 0, str(caught.value))


def test_warnings(opened):
    """Records with out-of-vocabulary categories are scored, each with its warning, however many there are."""
    odd = CUSTOMER | {"Region": "Middle Earth"}
    (warning,) = opened.predict(odd).warnings
    assert (warning.pointer, warning.code) == ("#/Region", "unseen-category")
    many = opened.predict_many([odd, CUSTOMER] * 1500)
    assert [len(one.warnings) for one in many] == [1, 0] * 1500
    assert many[-2].warnings[0].pointer == "#/2998/Region"


SAME = {"tenure": 5, "MonthlyCharges": 70.5, "Partner": True, "Contract": "One year", "Region": None}


@pytest.mark.parametrize(
    "values",
    [
        {
            "tenure": np.int8(5),
            "MonthlyCharges": np.float64(70.5),
            "Partner": np.bool_(True),
            "Contract": np.str_("One year"),
        },
        {"tenure": 5.0, "MonthlyCharges": np.float32(70.5)},
        {"tenure": np.uint64(5), "MonthlyCharges": np.longdouble(70.5)},
        {"tenure": Decimal(5), "MonthlyCharges": Decimal("70.50")},
        *(
            {"Region": missing}
            for missing in (math.nan, np.nan, np.float32("nan"), pd.NA, pd.NaT, Decimal("NaN"), Decimal("sNaN"))
        ),
    ],
)
def test_values_of_other_libraries(small, values):
    """NumPy scalars and decimals are numbers, and every library's missing-value marker counts as missing."""
    assert small.predict(SAME | values) == small.predict(SAME)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenure", np.datetime64("2020-01-01", "ns")),
        ("tenure", np.timedelta64(5, "ns")),
        ("tenure", np.array([5])),
        ("tenure", 5 + 0j),
        ("tenure", np.bool_(True)),
        ("tenure", Decimal("5.5")),
        ("tenure", pd.Timestamp(5)),
        ("MonthlyCharges", math.inf),
        ("MonthlyCharges", np.float32("-inf")),
        ("MonthlyCharges", Decimal("Infinity")),
        ("Contract", np.str_("Two yaers")),
        ("Partner", np.int64(1)),
        ("Contract", pd.NA),
    ],
)
def test_nothing_is_cast_silently(small, name, value):
    """A value that the field does not accept is a fault, whatever its library; so is a missing required value."""
    with pytest.raises(churn_api.InvalidRecord) as caught:
        small.predict(SAME | {name: value})
    assert [fault.pointer for fault in caught.value.faults] == [f"#/{name}"]


def test_rows_of_other_libraries(small):
    """A row of a DataFrame, and any other mapping, is accepted like a dict."""
    table = customers(30, seed=6).drop(columns="Churn").assign(Partner=lambda table: table["Partner"] == "Yes")
    alone = [small.predict(table.iloc[row]) for row in range(30)]
    assert (
        alone
        == small.predict_many(table.to_dict("records"))
        == small.predict_many(map(UserDict, table.to_dict("records")))
    )
    assert [one.identifier for one in alone] == list(table["customerID"])


def test_bundle_anywhere(models_dir, tmp_path):
    """A bundle can be loaded from any folder, also by a relative path or a link; its card names the model."""
    copy = shutil.copytree(models_dir / "small" / "2", tmp_path / "handed over")
    link = tmp_path / "latest"
    link.symlink_to(copy)
    for path in (copy, link, f"{copy}/"):
        assert churn_api.load(path).predict(CUSTOMER).version == "2"


def test_bundles_that_cannot_be_loaded(models_dir, tmp_path):
    """A folder that is not a bundle, or a modified bundle, is rejected with its path and the reason."""
    for path, message in {
        tmp_path: "card.json cannot be read",
        models_dir / "small": "name a version, as in small/2",
    }.items():
        with pytest.raises(churn_api.BundleError, match=message) as caught:
            churn_api.load(path)
        assert str(path) in str(caught.value)
    copy = shutil.copytree(models_dir / "small" / "2", tmp_path / "small" / "2")
    (copy / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(churn_api.BundleError, match="not the file that was packaged"):
        churn_api.load(copy)


def test_threads(small, opened):
    """Threads that share predictors get the same results as a single thread."""
    rows = [CUSTOMER | {"tenure": tenure} for tenure in range(40)]
    expected = [predictor.predict(row) for row in rows for predictor in (small, opened)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(lambda row: [small.predict(row), opened.predict(row)], rows)) == [
                expected[start : start + 2] for start in range(0, 80, 2)
            ]


FORKED = """
import os, sys, threading
import churn_api

predictor = churn_api.load(sys.argv[1])
record = {"tenure": 5, "Contract": "One year", "Partner": True}
here = predictor.predict(record)
children = []
for _ in range(4):
    child = os.fork()
    if not child:
        same = [predictor.predict(record), *predictor.predict_many([record] * 700)] == [here] * 701
        os._exit(0 if same else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
print(threading.active_count(), *sorted(name for name in sys.modules if "." not in name))
"""


def test_forked(models_dir):
    """A predictor loaded before a fork predicts in the children, and needs neither a thread nor Flask."""
    command = [sys.executable, "-c", FORKED, str(models_dir / "small" / "1")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    threads, *loaded = done.stdout.split()
    assert threads == "1"
    assert "onnxruntime" in loaded
    assert not {"flask", "werkzeug", "sqlalchemy", "pyarrow", "pandas", "sklearn", "gunicorn"} & set(loaded)
