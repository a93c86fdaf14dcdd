"""Tensors of the Open Inference Protocol as JSON and in binary form."""

import struct
import tracemalloc
import zlib
from math import prod

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from werkzeug.exceptions import RequestEntityTooLarge

from churn_api.contract.record import InvalidRecord
from churn_api.web.core.problems import Problem
from churn_api.web.protocols.shared.compressed_bodies import CONTENT_ENCODINGS, decompress_body
from churn_api.web.protocols.shared.inference_request import read_inference_request
from churn_api.web.protocols.shared.inference_response import TensorOutput, write_inference_response
from churn_api.web.protocols.shared.tensor_datatypes import (
    BYTES,
    DATATYPES,
    NUMERIC,
    NotElements,
    read_binary,
    write_binary,
)

SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def tensors(draw):
    """A datatype, a shape, and flat elements as an array, or as a list of texts."""
    datatype, shape = draw(st.sampled_from(DATATYPES)), draw(SHAPES)
    count = prod(shape)
    if datatype == BYTES:
        return datatype, shape, draw(st.lists(st.text(max_size=8), min_size=count, max_size=count))
    return datatype, shape, draw(npst.arrays(NUMERIC[datatype], count))


@st.composite
def requests(draw):
    """A body with tensors, some in JSON and some behind it; and the tensors."""
    entries, parts, sent = [], [], draw(st.lists(tensors(), min_size=1, max_size=4))
    for number, (datatype, shape, elements) in enumerate(sent):
        entry = {"name": f"t{number}", "datatype": datatype, "shape": list(shape)}
        values = elements if datatype == BYTES else elements.tolist()
        if draw(st.booleans()) or not np.array_equal(orjson.loads(orjson.dumps(values)), values):
            parts.append(write_binary(datatype, elements))
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            nested = draw(st.booleans()) and datatype != BYTES
            entry["data"] = elements.reshape(shape).tolist() if nested and shape else values
        entries.append(entry)
    return {"inputs": entries}, b"".join(parts), sent


def places(error):
    return [fault.pointer for fault in error.value.faults]


@given(tensors())
def test_a_binary_tensor_is_read_as_it_was_written(tensor):
    """The elements of any tensor come back from its binary form, bit for bit."""
    datatype, shape, elements = tensor
    result = read_binary(datatype, write_binary(datatype, elements), prod(shape))
    assert write_binary(datatype, result) == write_binary(datatype, elements)
    assert result == elements if datatype == BYTES else result.dtype == NUMERIC[datatype]


@given(st.sampled_from(DATATYPES), st.binary(max_size=64), st.integers(0, 16))
def test_any_bytes_are_elements_or_refused(datatype, data, count):
    """Any bytes are the declared number of elements, which have that very binary form, or are refused."""
    try:
        elements = read_binary(datatype, data, count)
    except NotElements:
        return
    assert len(elements) == count
    assert write_binary(datatype, elements) == data


@pytest.mark.parametrize(
    ("datatype", "data", "count"),
    [
        ("INT64", b"\0" * 15, 2),
        ("INT64", b"\0" * 8, 2),
        ("FP32", b"\0" * 4, 0),
        ("BOOL", b"\x02", 1),
        ("BYTES", struct.pack("<I", 3) + b"ab", 1),
        ("BYTES", struct.pack("<I", 1) + b"abc", 1),
        ("BYTES", struct.pack("<I", 2**32 - 1), 1),
        ("BYTES", b"\0\0\0", 1),
        ("BYTES", b"", 2**60),
        ("BYTES", struct.pack("<I", 1) + b"\xff", 1),
    ],
)
def test_bytes_that_are_no_elements(datatype, data, count):
    """Elements that are cut short, left over or not of the datatype are refused, in words without a byte of them."""
    with pytest.raises(NotElements) as caught:
        read_binary(datatype, data, count)
    assert "ab" not in str(caught.value)


@settings(deadline=None)
@given(requests())
def test_tensors_in_json_and_behind_it(request):
    """Any tensors in JSON, flat or nested, and binary ones mixed with them are read with their elements."""
    payload, binary, sent = request
    result = read_inference_request(orjson.loads(orjson.dumps(payload)), binary)
    assert [(one.datatype, one.shape) for one in result.inputs] == [(datatype, shape) for datatype, shape, _ in sent]
    for tensor, (datatype, _, elements) in zip(result.inputs, sent, strict=True):
        assert write_binary(datatype, tensor.elements()) == write_binary(datatype, elements)


@settings(max_examples=300)
@given(JSON_VALUES | st.fixed_dictionaries({"inputs": JSON_VALUES, "outputs": JSON_VALUES}), st.none() | st.binary())
def test_any_json_is_a_request_or_a_fault(payload, binary):
    """Any JSON with any bytes behind it is a request, or has faults with their place."""
    try:
        result = read_inference_request(payload, binary)
    except InvalidRecord as error:
        assert error.faults
    else:
        assert result.inputs


@settings(max_examples=300, deadline=None)
@given(requests(), st.data())
def test_a_broken_request_is_refused(request, data):
    """A request with one byte too many or too few behind its JSON, or a member replaced, is refused or still whole."""
    payload, binary, _ = request
    for changed in (binary + b"x", binary[:-1]) if binary else ():
        with pytest.raises(InvalidRecord):
            read_inference_request(payload, changed)
    entry = data.draw(st.sampled_from(payload["inputs"]))
    entry[data.draw(st.sampled_from(["name", "datatype", "shape", "data", "parameters"]))] = data.draw(JSON_VALUES)
    try:
        result = read_inference_request(payload, binary)
        assert all(len(tensor.elements()) == prod(tensor.shape) for tensor in result.inputs)
    except InvalidRecord as error:
        assert error.faults


def entry(**members):
    return {"name": "tenure", "shape": [2], "datatype": "INT64", "data": [1, 2]} | members


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ([], ["#"]),
        ({"id": 7, "inputs": [entry()]}, ["#/id"]),
        ({}, ["#/inputs"]),
        ({"inputs": []}, ["#/inputs"]),
        ({"inputs": {}}, ["#/inputs"]),
        ({"inputs": [entry()], "parameters": [1]}, ["#/parameters"]),
        ({"inputs": [entry()], "parameters": {"content_type": "base64"}}, ["#/parameters/content_type"]),
        ({"inputs": [entry(parameters={"content_type": "datetime"})]}, ["#/inputs/0/parameters/content_type"]),
        ({"inputs": [entry()], "parameters": {"binary_data_output": 1}}, ["#/parameters/binary_data_output"]),
        (
            {"inputs": [7, entry(datatype="FP99", shape=[-1])]},
            ["#/inputs/0", "#/inputs/1/datatype", "#/inputs/1/shape"],
        ),
        (
            {"inputs": [entry(shape=["2"], data=None, name=3)]},
            ["#/inputs/0/name", "#/inputs/0/shape", "#/inputs/0/data"],
        ),
        ({"inputs": [entry(), entry()]}, ["#/inputs/1/name"]),
        (
            {"inputs": [entry(parameters={"binary_data_size": 8}, data=None)]},
            ["#/inputs/0/parameters/binary_data_size"],
        ),
        ({"inputs": [entry()], "outputs": [{"name": 1}, 2]}, ["#/outputs/0/name", "#/outputs/1"]),
        (
            {"inputs": [entry()], "outputs": [{"name": "a", "parameters": {"classification": 3, "binary_data": "x"}}]},
            ["#/outputs/0/parameters/classification", "#/outputs/0/parameters/binary_data"],
        ),
    ],
)
def test_faults_of_a_request(payload, expected):
    """All faults of a request are listed at once, each with its place."""
    with pytest.raises(InvalidRecord) as caught:
        read_inference_request(payload, None)
    assert places(caught) == expected


@pytest.mark.parametrize("data", [[1], [1, 2, 3], [[1], [2]], [[1, 2]], [1, [2]], [1, {}]])
def test_elements_that_the_shape_does_not_have(data):
    """Elements in another number or nesting than the shape says are refused."""
    (tensor,) = read_inference_request({"inputs": [entry(data=data)]}, None).inputs
    with pytest.raises(InvalidRecord) as caught:
        tensor.elements()
    assert places(caught) == ["#/inputs/0/data"]


@pytest.mark.parametrize("absent", [{}, {"id": None, "parameters": None, "outputs": None}, {"outputs": []}])
def test_null_members_are_as_absent(absent):
    """Members that are null, and members that the protocol does not have, change nothing."""
    sent = {"inputs": [entry(parameters=None)], "model_name": "m"} | absent
    result = read_inference_request(sent, None)
    assert (result.id, result.outputs, result.binary, result.parameters) == (None, [], False, {})


@given(st.booleans(), st.lists(st.none() | st.booleans(), min_size=1, max_size=3))
def test_an_output_decides_whether_it_is_binary(default, flags):
    """What an output says goes before what the request says for all."""
    named = [{"name": f"o{number}", "parameters": {"binary_data": flag}} for number, flag in enumerate(flags)]
    sent = {"inputs": [entry()], "outputs": named, "parameters": {"binary_data_output": default}}
    result = read_inference_request(sent, None)
    assert [one.binary for one in result.outputs] == [default if flag is None else flag for flag in flags]


@settings(deadline=None)
@given(st.lists(st.tuples(tensors(), st.booleans()), max_size=4))
def test_a_response_is_read_as_it_was_written(outputs):
    """JSON has each output's elements or their number of bytes, which follow in the same order."""
    written = [TensorOutput(f"o{number}", *tensor, binary=binary) for number, (tensor, binary) in enumerate(outputs)]
    body, length = write_inference_response({"id": "1"}, written)
    assert (length is None) == (not any(output.binary for output in written))
    payload, rest = orjson.loads(body[:length]), body[len(body) if length is None else length :]
    for output, sent in zip(written, payload["outputs"], strict=True):
        assert (sent["name"], sent["datatype"], sent["shape"]) == (output.name, output.datatype, list(output.shape))
        if output.binary:
            size = sent["parameters"]["binary_data_size"]
            part, rest = rest[:size], rest[size:]
            assert part == write_binary(output.datatype, output.elements)
        else:
            plain = output.elements if output.datatype == BYTES else output.elements.tolist()
            assert sent["data"] == orjson.loads(orjson.dumps(plain))
    assert rest == b""


def compress(content, encoding):
    stream = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    return stream.compress(content) + stream.flush()


@given(st.sampled_from(CONTENT_ENCODINGS), st.binary(max_size=200), st.data())
def test_compressed_bodies(encoding, content, data):
    """A compressed body is read up to the limit; one byte beyond, a part of it and more than it are refused."""
    body = compress(content, encoding)
    assert decompress_body(body, encoding, max(len(content), 1)) == content
    if len(content) > 1:
        with pytest.raises(RequestEntityTooLarge):
            decompress_body(body, encoding, len(content) - 1)
    end = data.draw(st.integers(0, len(body) - 1))
    for broken in (body[:end], body + b"x", b"x" + body):
        with pytest.raises(Problem) as caught:
            decompress_body(broken, encoding, 1000)
        assert caught.value.code == "bad-request"


def test_a_bomb_is_not_decompressed():
    """A small body that decompresses to a hundred megabytes is refused without taking a tenth of them."""
    body = compress(bytes(100_000_000), "gzip")
    tracemalloc.start()
    with pytest.raises(RequestEntityTooLarge):
        decompress_body(body, "gzip", 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
