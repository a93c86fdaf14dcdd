"""Targets with more than two labels, and labels that are grouped or dropped."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_api.tables.table_errors import TableError
from churn_api.tables.target import in_group, infer_target

CELLS = ["stays"] * 3 + ["left"] * 2 + ["moved"] + [None, " "]


def target(cells=CELLS, **options):
    return infer_target(pa.table({"Churn": pa.array(cells, pa.string())}), "Churn", **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"positive": "left,moved", "negative": "stays"}, ("left,moved", "stays")),
        ({"positive": "left, moved", "negative": "stays"}, ("left,moved", "stays")),
        ({"positive": "left", "dropped": ["moved"]}, ("left", "stays")),
        ({"negative": "stays", "dropped": ["moved"]}, ("left", "stays")),
        ({"positive": "left", "negative": "moved", "dropped": ["stays"]}, ("left", "moved")),
    ],
)
def test_groups(options, expected):
    """Labels are grouped by commas, and dropped labels belong to no group."""
    inferred = target(**options)
    assert (inferred.positive, inferred.negative) == expected


def test_label_with_a_comma():
    """A label that holds a comma is one label where the target has it."""
    assert target(["a,b", "a", "a"], positive="a,b").positive == "a,b"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "has 3 different values; a churn target has two: 'stays' (3 rows), 'left' (2 rows), 'moved' (1 rows). "),
        ({}, "--positive A,B --negative C, and drop rows with --drop-label D"),
        ({"positive": "left"}, "has 'stays' (3 rows), 'moved' (1 rows) besides 'left'. Group"),
        ({"positive": "left,moved"}, "has 'stays' (3 rows) besides 'left', 'moved'. Group"),
        ({"positive": "left,gone", "negative": "stays"}, "never 'gone': it is 'stays' (3 rows)"),
        ({"dropped": ["gone"]}, "never 'gone'"),
        ({"positive": "left,moved", "negative": "stays,left"}, "'left' is named by both"),
        ({"positive": "left", "dropped": ["stays", "moved"]}, "no label remains for --negative"),
        ({"dropped": ["stays", "moved"]}, "one class only, 'left'"),
    ],
)
def test_refusals(options, complaint):
    """What is wrong with the labels is said with their counts, and with the options that decide."""
    with pytest.raises(TableError) as caught:
        target(**options)
    assert complaint in str(caught.value)


def test_many_values():
    """The values of a column with more than twenty of them are not shown: it is hardly the target."""
    with pytest.raises(TableError, match=r"has 21 different values.*right column") as caught:
        target([f"name {n}" for n in range(21)])
    assert "name" not in str(caught.value).replace("'Churn'", "")


@given(st.lists(st.text("abc,", min_size=1, max_size=3), min_size=2, max_size=5, unique=True), st.data())
def test_every_row_is_in_one_group(labels, data):
    """With each label named by one option, every row belongs to exactly one class or is dropped."""
    labels = [label for label in labels if "," not in label]
    if len(labels) < 2:
        return
    side = data.draw(st.lists(st.sampled_from("pnd"), min_size=len(labels), max_size=len(labels)))
    groups = {one: [label for label, drawn in zip(labels, side, strict=True) if drawn == one] for one in "pnd"}
    if not (groups["p"] and groups["n"]):
        return
    inferred = target(labels, positive=",".join(groups["p"]), negative=",".join(groups["n"]), dropped=groups["d"])
    texts = pa.chunked_array([labels])
    positive, negative = (in_group(texts, one).to_pylist() for one in (inferred.positive, inferred.negative))
    expected = [(one == "p", one == "n") for one in side]
    assert list(zip(positive, negative, strict=True)) == expected
