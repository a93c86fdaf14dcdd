"""Graphs of tensor models: a classifier of irises, one that names an image's colour, and small ones with a fault."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from churn_api.registry.tensor_card import TensorCard
from churn_api.training.tensor_packaging import ImageOptions, package_graph

IRISES = ("setosa", "versicolor", "virginica")
COLOURS = ("red", "green", "blue")
SIDE = 8


@cache
def iris_classifier() -> Any:
    irises = load_iris()
    return LogisticRegression(max_iter=500).fit(irises.data, irises.target)


@cache
def iris_graph() -> bytes:
    """As skl2onnx writes it by default: its probabilities are dictionaries."""
    rows = np.zeros((1, 4), np.float32)
    return bytes(to_onnx(iris_classifier(), rows).SerializeToString())


def graph_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], **constants: Any) -> bytes:
    """A graph of these nodes; inputs and outputs are (name, type, shape)."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*parts) for parts in inputs],
        [helper.make_tensor_value_info(*parts) for parts in outputs],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return bytes(model.SerializeToString())


def colour_graph(rows: int | str = "N", kind: int = TensorProto.FLOAT) -> bytes:
    """Logits of the mean of each channel of an image of 8 by 8 pixels: the strongest colour has the largest."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Mul", ["flat", "ten"], ["colours"]),
    ]
    inputs = [("image", kind, [rows, 3, SIDE, SIDE])]
    return graph_of(nodes, inputs, [("colours", TensorProto.FLOAT, [rows, 3])], ten=np.float32(10))


def sum_graph() -> bytes:
    """Adds two matrices, and returns texts as they are: inputs of different types, and no labels."""
    nodes = [
        helper.make_node("Add", ["left", "right"], ["sum"]),
        helper.make_node("Identity", ["names"], ["same_names"]),
    ]
    inputs = [
        ("left", TensorProto.DOUBLE, ["N", 2]),
        ("right", TensorProto.DOUBLE, ["N", 2]),
        ("names", TensorProto.STRING, ["N"]),
    ]
    outputs = [("sum", TensorProto.DOUBLE, ["N", 2]), ("same_names", TensorProto.STRING, ["N"])]
    return graph_of(nodes, inputs, outputs)


def shape_graph() -> bytes:
    """Makes as many ones as its input says, and returns their sum: a few bytes may ask for any memory."""
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["ones"], value=helper.make_tensor("one", 1, [1], [1.0])),
        helper.make_node("ReduceSum", ["ones"], ["sum"], keepdims=0),
    ]
    return graph_of(nodes, [("size", TensorProto.INT64, [1])], [("sum", TensorProto.FLOAT, [])])


def loop_graph() -> bytes:
    """Doubles a number as often as its input says."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Add", ["value", "value"], ["doubled"])],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes", TensorProto.BOOL, []),
            helper.make_tensor_value_info("doubled", TensorProto.FLOAT, []),
        ],
    )
    nodes = [helper.make_node("Loop", ["rounds", "", "one"], ["powers"], body=body)]
    inputs = [("rounds", TensorProto.INT64, [])]
    return graph_of(nodes, inputs, [("powers", TensorProto.FLOAT, [])], one=np.float32(1))


def with_custom_operator() -> bytes:
    model = onnx.load_from_string(sum_graph())
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    return bytes(model.SerializeToString())


def with_weights_elsewhere() -> bytes:
    model = onnx.load_from_string(colour_graph())
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    return bytes(model.SerializeToString())


def package(
    models_dir: Path,
    graph: bytes,
    name: str,
    labels: tuple[str, ...] = (),
    image: ImageOptions | None = None,
) -> TensorCard:
    """A graph as a bundle, by way of files, as the command packages it."""
    file, texts = models_dir.parent / f"{name}.onnx", models_dir.parent / f"{name}.txt"
    file.write_bytes(graph)
    texts.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    return package_graph(file, labels=texts if labels else None, image=image, name=name, models_dir=models_dir)


def package_examples(models_dir: Path) -> None:
    """The tensor models that tests of several folders serve: `iris`, `colours` and `sum`."""
    package(models_dir, iris_graph(), "iris", IRISES)
    package(models_dir, colour_graph(), "colours", COLOURS, ImageOptions((SIDE, SIDE), (0.5,), (0.5,)))
    package(models_dir, sum_graph(), "sum")
