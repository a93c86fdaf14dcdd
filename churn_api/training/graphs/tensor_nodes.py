"""Reads the inputs and outputs of an ONNX graph, and refuses what no server should run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from churn_api.registry.tensor_card import MAX_TENSORS
from churn_api.scoring.tensor_graph import TensorNode
from churn_api.scoring.tensor_spec import FREE, Datatype, TensorSpec
from churn_api.training.training_error import TrainingError

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""The operators that ONNX itself defines."""

NO_GRAPH = "the file is no ONNX graph that can be read"

_DATATYPES: dict[str, Datatype] = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}


class ServedGraph(NamedTuple):
    """A graph as it will be served."""

    graph: bytes
    labels: tuple[str, ...]
    """The labels that it names; empty where it names none, or only numbers."""


def served_graph(data: bytes) -> ServedGraph:
    """Check a graph, and replace a ZipMap, whose dictionaries are no tensor, by its matrix. Raises TrainingError."""
    try:
        model = onnx.load_from_string(data)
    except Exception as error:
        raise TrainingError(NO_GRAPH) from error
    if not model.graph.output:
        raise TrainingError(NO_GRAPH)
    _check(model)
    labels = _labels(model.graph)
    if not _replace_zip_maps(model.graph):
        return ServedGraph(data, labels)
    return ServedGraph(model.SerializeToString(), labels)


def input_specs(nodes: Sequence[TensorNode]) -> tuple[TensorSpec, ...]:
    """The inputs of a graph. Raises TrainingError."""
    _check_count("inputs", nodes)
    return tuple(_spec("input", node, [_size(size) for size in node.shape]) for node in nodes)


def output_specs(
    nodes: Sequence[TensorNode], many: Mapping[str, NDArray[Any]], one: Mapping[str, NDArray[Any]]
) -> tuple[TensorSpec, ...]:
    """The outputs of a graph, whose declared shapes may be missing or wrong, from what it returned for two batches."""
    return tuple(_spec("output", node, _observed(node, many[node.name], one[node.name])) for node in nodes)


def _observed(node: TensorNode, many: NDArray[Any], one: NDArray[Any]) -> list[int]:
    if many.ndim != one.ndim:
        raise TrainingError(f"the output {node.name!r} has no fixed number of dimensions")
    declared = node.shape if len(node.shape) == many.ndim else [None] * many.ndim
    named = [isinstance(size, str) for size in declared]
    return [
        FREE if size != other or (named_size and axis > 0) else size
        for axis, (size, other, named_size) in enumerate(zip(many.shape, one.shape, named, strict=True))
    ]


def _check_count(what: str, nodes: Sequence[TensorNode]) -> None:
    if not 0 < len(nodes) <= MAX_TENSORS:
        raise TrainingError(f"the graph has {len(nodes)} {what}: a tensor model has 1 to {MAX_TENSORS}")


def _spec(what: str, node: TensorNode, shape: Iterable[int]) -> TensorSpec:
    if node.type not in _DATATYPES:
        raise TrainingError(f"the {what} {node.name!r} is a {node.type}, which is no tensor that can be sent")
    try:
        return TensorSpec(name=node.name, datatype=_DATATYPES[node.type], shape=tuple(shape))
    except ValueError as error:
        raise TrainingError(f"the {what} {node.name!r}: {error}") from error


def _size(declared: Any) -> int:
    return declared if isinstance(declared, int) and declared > 0 else FREE


def _check(model: onnx.ModelProto) -> None:
    """Raise TrainingError where the graph needs files or operators that a server does not have."""
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise TrainingError(
            "its weights are in another file: save it in one, as onnx.save(onnx.load('model.onnx'), 'one.onnx') does"
        )
    own = {function.domain for function in model.functions}
    foreign = sorted({entry.domain for entry in model.opset_import} - {*DOMAINS, *own})
    used = [domain for domain in foreign if any(node.domain == domain for node in model.graph.node)]
    if used:
        raise TrainingError(f"it uses operators that are not ONNX's own, of {', '.join(used)}: export it without them")


def _labels(graph: onnx.GraphProto) -> tuple[str, ...]:
    """The texts that the graph's classifier names as its classes."""
    named = {
        tuple(text.decode() for text in attribute.strings)
        for node in graph.node
        for attribute in node.attribute
        if attribute.name == "classlabels_strings" and attribute.strings
    }
    return named.pop() if len(named) == 1 else ()


def _replace_zip_maps(graph: onnx.GraphProto) -> bool:
    """Replace every ZipMap whose dictionaries the graph returns, and return whether there was one."""
    outputs = {output.name: output for output in graph.output}
    replaced = False
    for node in graph.node:
        if node.op_type == "ZipMap" and node.output[0] in outputs:
            output = outputs[node.output[0]]
            kind = output.type.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type
            output.CopyFrom(helper.make_tensor_value_info(output.name, kind, [None, _classes(node)]))
            # Some converters declare other numbers than the classifier computes.
            node.CopyFrom(helper.make_node("Cast", node.input, node.output, to=kind))
            replaced = True
    return replaced


def _classes(zip_map: onnx.NodeProto) -> int:
    return max(len(attribute.strings) or len(attribute.ints) for attribute in zip_map.attribute)
