from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from churn_api.contract.feature_attributes import Observed
from churn_api.tables.cell_values import plain_column
from churn_api.tables.inference import infer_feature, infer_signature
from churn_api.tables.table_errors import TableError
from churn_api.tables.target import infer_target


def column(*cells):
    return pa.chunked_array([pa.array(cells)])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("1", "2", "-3"), "integer"),
        (("1.5", "2", "1e3"), "number"),
        ((".5", "5.", " 7 "), "number"),
        (("Yes", "No"), "boolean"),
        (("no", "YES"), "boolean"),
        (("true", "False"), "boolean"),
        (("0", "1", None), "boolean"),
        (("0", "1", "2"), "integer"),
        (("Yes", "No", "Maybe"), "string"),
        (("007", "123"), "string"),
        (("1", "a"), "string"),
        (("nan", "1"), "string"),
        (("1,5", "2"), "string"),
        ((1, 2), "integer"),
        ((0, 1), "boolean"),
        ((True, False), "boolean"),
        ((1.0, 2.5), "number"),
    ],
)
def test_types(cells, kind):
    """The type of a column follows from its cells."""
    assert infer_feature("a", column(*cells)).type == kind


def test_blank_means_optional():
    """A column without blanks is required; a column with blanks is optional and nullable."""
    always, sometimes = infer_feature("a", column("1", "2")), infer_feature("a", column("1", None))
    assert (always.required, always.nullable) == (True, False)
    assert (sometimes.required, sometimes.nullable) == (False, True)


def test_choices_where_they_are_few():
    """Up to 50 categories become choices, in order; with more, any text is valid."""
    fifty = [f"c{number:02d}" for number in range(50)]
    assert infer_feature("a", column(*reversed(fifty))).choices == tuple(fifty)
    assert infer_feature("a", column(*fifty, "one more")).choices is None


def test_observed_range_is_not_enforced():
    """The range and the median in the table are recorded, and not enforced."""
    inferred = infer_feature("a", column("-5", "80.5", "7", None))
    assert inferred.observed == Observed(minimum=-5, maximum=80.5, median=7)
    assert (inferred.minimum, inferred.maximum) == (None, None)


def test_open():
    """An opened feature accepts unseen categories; a column without categories cannot be opened."""
    assert infer_feature("a", column("x", "y"), accept_unseen=True).open
    with pytest.raises(TableError, match="holds no categories"):
        infer_feature("a", column("1", "2"), accept_unseen=True)


@pytest.mark.parametrize(
    ("cells", "positive", "expected"),
    [
        (("Yes", "No"), None, ("Yes", "No")),
        (("0", "1"), None, ("1", "0")),
        ((0, 1), None, ("1", "0")),
        ((1.0, 0.0), None, ("1", "0")),
        ((True, False), None, ("true", "false")),
        (("1.0", "0.0"), None, ("1.0", "0.0")),
        (("Y", "N"), None, ("Y", "N")),
        (("T", "F"), None, ("T", "F")),
        (("True.", "False."), None, ("True.", "False.")),
        (("stayed", "left"), "left", ("left", "stayed")),
        (("No", " Yes ", None), None, ("Yes", "No")),
    ],
)
def test_target(cells, positive, expected):
    """The positive label is inferred for the usual pairs, and given for others."""
    inferred = infer_target(pa.table({"Churn": column(*cells)}), "Churn", positive)
    assert (inferred.positive, inferred.negative) == expected


@pytest.mark.parametrize(
    ("cells", "positive", "complaint"),
    [
        (("left", "stayed"), None, "--positive"),
        (("Yes", "No"), "yes", "never 'yes'"),
        (("Yes", "Yes"), None, "one class only"),
        (("a", "b", "c"), None, "3 different values"),
    ],
)
def test_target_that_cannot_be_one(cells, positive, complaint):
    """A target without exactly two labels, or without an obvious positive label, is rejected with what to do."""
    with pytest.raises(TableError, match=complaint):
        infer_target(pa.table({"Churn": column(*cells)}), "Churn", positive)


def test_missing_column_is_guessed():
    """A column that the table lacks is rejected with the most similar name."""
    table = pa.table({"Churn": column("Yes", "No"), "a": column("1", "2")})
    with pytest.raises(TableError, match="Did you mean 'Churn'"):
        infer_target(table, "churn")
    with pytest.raises(TableError, match="no column 'zzz'"):
        infer_signature(table, infer_target(table, "Churn"), "zzz")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_of_time_do_not_show(unit):
    """Instants and durations are the same values in every unit in which a file stores them."""
    instants = pa.chunked_array([pa.array([datetime(2020, 1, 5, 10, 30), None], pa.timestamp(unit))])
    assert plain_column("x", instants).to_pylist() == ["2020-01-05 10:30:00", None]
    zoned = pa.chunked_array([pa.array([datetime(2020, 1, 5)], pa.timestamp(unit, "UTC"))])
    assert plain_column("x", zoned).to_pylist() == ["2020-01-05 00:00:00Z"]
    durations = pa.chunked_array([pa.array([timedelta(minutes=2), None], pa.duration(unit))])
    assert plain_column("x", durations).to_pylist() == [120.0, None]
