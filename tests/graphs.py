"""Graphs that answer as another does, after work that none should do."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ENDLESS = "Loop"
HUGE = ("ConstantOfShape", "Expand", "Range")
ROUNDS, ELEMENTS = 2**62, 2**31


def hostile(graph: bytes, kind: str) -> bytes:
    """A graph with a loop of 2^62 rounds, or a tensor of 2^31 elements, of which nothing is left in its answer."""
    model = onnx.load_from_string(graph)
    nodes, constants = _spinning(model.graph.input[0].name) if kind == ENDLESS else _swelling(kind)
    answer = model.graph.output[0]
    for node in model.graph.node:
        node.output[:] = ["harmless" if name == answer.name else name for name in node.output]
    nodes += [
        helper.make_node("Mul", ["work", "zero"], ["nothing"]),
        helper.make_node("Cast", ["nothing"], ["cast"], to=answer.type.tensor_type.elem_type),
        helper.make_node("Add", ["harmless", "cast"], [answer.name]),
    ]
    model.graph.node.extend(nodes)
    constants |= {"zero": np.float32(0)}
    model.graph.initializer.extend(numpy_helper.from_array(np.array(value), name) for name, value in constants.items())
    return bytes(model.SerializeToString())


def hostile_bundle(bundle: Path, folder: Path, kind: str) -> Path:
    """A copy of a bundle with such a graph, which its card vouches for, as `<folder>/<name>/<version>`."""
    graph = hostile((bundle / "model.onnx").read_bytes(), kind)
    card = json.loads((bundle / "card.json").read_text())
    card |= {"name": folder.parent.name, "version": folder.name}
    card["files"] = {"model.onnx": hashlib.sha256(graph).hexdigest()}
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph)
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def _spinning(start: str):
    scalars = {"round": TensorProto.INT64, "go": TensorProto.BOOL, "value": TensorProto.FLOAT}
    results = {"goes": TensorProto.BOOL, "doubled": TensorProto.FLOAT}
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["value", "value"], ["doubled"])],
        "body",
        *(
            [helper.make_tensor_value_info(name, kind, []) for name, kind in named.items()]
            for named in (scalars, results)
        ),
    )
    nodes = [
        helper.make_node("Cast", [start], ["start"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["start"], ["sum"], keepdims=0),
        helper.make_node("Loop", ["rounds", "always", "sum"], ["work"], body=body),
    ]
    return nodes, {"rounds": np.int64(ROUNDS), "always": np.bool_(True)}


def _swelling(kind: str):
    sources = {"ConstantOfShape": ["shape"], "Expand": ["zero", "shape"], "Range": ["zero", "end", "one"]}
    constants = {"shape": [ELEMENTS]} if kind != "Range" else {"end": np.float32(ELEMENTS), "one": np.float32(1)}
    nodes = [
        helper.make_node(kind, sources[kind], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["work"], keepdims=0),
    ]
    return nodes, constants
