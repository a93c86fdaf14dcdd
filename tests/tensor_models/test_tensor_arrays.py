"""Tensors of a request for a tensor model: checked against its card before they are read, and read without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensor_graphs import package, sum_graph

from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import TooManyRows
from churn_api.registry.tensor_card import GoldenTensors, TensorCard
from churn_api.scoring.tensor_spec import TensorSpec
from churn_api.web.protocols.shared.tensor_arrays import input_arrays
from churn_api.web.protocols.shared.tensor_datatypes import NUMERIC, write_binary
from churn_api.web.protocols.shared.tensor_input import TensorInput


def card_of(*inputs):
    return TensorCard(
        kind="tensor",
        name="any",
        version="1",
        created_at="",
        inputs=inputs,
        outputs=(TensorSpec(name="y", datatype="FP32", shape=(-1,)),),
        independent_rows=True,
        golden=GoldenTensors(outputs={}),
        libraries={},
        files={},
    )


def sent(name, datatype, shape, data, position=0):
    return TensorInput(name, datatype, shape, data, ("inputs", position))


def read(datatype, shape, data):
    card = card_of(TensorSpec(name="x", datatype=datatype, shape=(-1, *shape[1:])))
    return input_arrays(card, [sent("x", datatype, shape, data)], 1000)["x"]


@given(
    st.sampled_from(sorted(NUMERIC)).flatmap(
        lambda name: st.tuples(
            st.just(name),
            arrays.arrays(
                NUMERIC[name],
                arrays.array_shapes(min_dims=1, max_dims=4, max_side=4),
                elements=arrays.from_dtype(NUMERIC[name], allow_nan=False, allow_infinity=False),
            ),
        )
    )
)
def test_both_forms(named):
    """An array of any type comes out as it went in, from JSON and from its binary form."""
    datatype, array = named
    for data in (array.reshape(-1).tolist(), array.tolist(), write_binary(datatype, array)):
        result = read(datatype, array.shape, data)
        assert result.dtype == array.dtype
        assert np.array_equal(result, array)


@given(st.lists(st.text(), min_size=1))
def test_texts(texts):
    """Texts come out as they went in."""
    for data in (texts, write_binary("BYTES", texts)):
        assert read("BYTES", (len(texts),), data).tolist() == texts


def test_numbers_as_clients_write_them():
    """A whole number as a float is an integer, 0 and 1 are truth values, and null is NaN in floats."""
    assert read("INT64", (2,), [1.0, 2]).tolist() == [1, 2]
    assert read("BOOL", (3,), [True, 0, 1.0]).tolist() == [True, False, True]
    assert np.isnan(read("FP32", (1,), [None])).all()


@pytest.mark.parametrize(
    ("datatype", "element"),
    [
        ("INT8", 128),
        ("UINT8", -1),
        ("INT64", 2**63),
        ("INT64", 2.0**63),
        ("INT32", 1.5),
        ("INT32", None),
        ("INT32", True),
        ("FP16", 65_520),
        ("FP32", 1e39),
        ("FP32", "1"),
        ("FP64", 10**400),
        ("BOOL", 2),
        ("BOOL", "true"),
        ("BYTES", 1),
        ("BYTES", None),
    ],
)
def test_elements_that_do_not_fit(datatype, element):
    """An element that the input's type cannot hold is a fault at its place."""
    good = "" if datatype == "BYTES" else 0
    with pytest.raises(InvalidRecord) as raised:
        read(datatype, (3,), [good, element, good])
    (fault,) = raised.value.faults
    assert fault.pointer == "#/inputs/0/data/1"


def test_all_faults():
    """Missing and unknown inputs, other types and other shapes are all listed, before an element is read."""
    specs = [TensorSpec(name=name, datatype="FP32", shape=(-1, 2)) for name in ("left", "right", "other")]
    tensors = [
        sent("left", "FP64", (1, 2), None),
        sent("right", "FP32", (1, 3), None, 1),
        sent("lift", "FP32", (1, 2), None, 2),
    ]
    with pytest.raises(InvalidRecord) as raised:
        input_arrays(card_of(*specs), tensors, 1000)
    pointers = [fault.pointer for fault in raised.value.faults]
    assert pointers == ["#/inputs", "#/inputs/2/name", "#/inputs/0/datatype", "#/inputs/1/shape"]


def test_rows():
    """Inputs have the same number of rows, at least one, and no more than a batch may have."""
    specs = [TensorSpec(name=name, datatype="FP32", shape=(-1,)) for name in ("left", "right")]
    for shapes in ([(1,), (2,)], [(0,), (0,)], [(1, 1), (1,)]):
        tensors = [sent(spec.name, "FP32", shape, None) for spec, shape in zip(specs, shapes, strict=True)]
        with pytest.raises(InvalidRecord):
            input_arrays(card_of(*specs), tensors, 1000)
    with pytest.raises(TooManyRows):
        input_arrays(card_of(*specs), [sent(spec.name, "FP32", (1001,), None) for spec in specs], 1000)


def test_card_of_a_packaged_graph(tmp_path):
    """Inputs of several types are read by the card that packaging wrote."""
    card = package(tmp_path / "models", sum_graph(), "sum")
    two = [sent(name, "FP64", (1, 2), [1, 2]) for name in ("left", "right")]
    read = input_arrays(card, [*two, sent("names", "BYTES", (1,), ["a"])], 1000)
    assert {name: array.shape for name, array in read.items()} == {"left": (1, 2), "right": (1, 2), "names": (1,)}
