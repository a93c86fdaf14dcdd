"""A fitted pipeline -> an ONNX graph, and the proof that the two are equal."""

import warnings
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.card import Parity
from churn_api.scoring.onnx import NUMBERS, PROBABILITY, TEXTS, OnnxScorer
from churn_api.scoring.sklearn import positive_index
from churn_api.training.converters import CONVERSION
from churn_api.training.row_independence import scores_rows_independently

TOLERANCE = 1e-6


class CompilationError(Exception):
    """A pipeline that cannot be expressed in ONNX; the text says why."""


def compile_pipeline(classifier: Any, signature: Signature) -> bytes:
    """The graph of a fitted classifier: inputs `numbers` and `texts`, output `probability`, shape (n,).

    It gives a row the same double alone as among others. Where its operators cannot promise that, it declares inputs of
    one row. Raises CompilationError.
    """
    inputs = [
        (feature.name, (FloatTensorType if feature.numeric else StringTensorType)([None, 1]))
        for feature in signature.features
    ]
    try:
        graph = _convert(classifier, inputs)
        _check_inputs(graph, signature)
        _pack_inputs(graph, signature)
        _keep_positive(graph, positive_index(classifier.classes_, signature.target))
        _drop_unread(graph)
        if not scores_rows_independently(graph):
            _take_one_row(graph)
        onnx.checker.check_model(graph)
    except Exception as error:
        raise CompilationError(f"{type(error).__name__}: {str(error).splitlines()[0][:300]}") from error
    return bytes(graph.SerializeToString())


def _convert(classifier: Any, inputs: list[tuple[str, Any]]) -> onnx.ModelProto:
    with warnings.catch_warnings():
        # skl2onnx hands booleans to integer fields, which protobuf before 7 takes; setup.cfg keeps it there.
        warnings.filterwarnings("ignore", message="Field onnx.*got a boolean", category=DeprecationWarning)
        graph: onnx.ModelProto = convert_sklearn(
            classifier, initial_types=inputs, options={"zipmap": False}, **CONVERSION
        )
    return graph


def prove(graph: bytes, columns: Columns, expected: NDArray[np.float64]) -> Parity:
    """Compare the compiled model with the pipeline's probabilities of the same rows."""
    try:
        scored = OnnxScorer(graph).score(columns)
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base class
        return refuted(f"the compiled model cannot score: {type(error).__name__}")
    largest = float(np.max(np.abs(scored - expected)))
    if not largest <= TOLERANCE:
        return refuted(f"the largest difference is {largest:.3g}", rows=columns.rows, largest_difference=largest)
    return Parity(proven=True, tolerance=TOLERANCE, rows=columns.rows, largest_difference=largest)


def refuted(reason: str, **found: Any) -> Parity:
    """The report of a proof that failed or could not be tried."""
    return Parity(proven=False, tolerance=TOLERANCE, reason=reason, **found)


def _check_inputs(graph: onnx.ModelProto, signature: Signature) -> None:
    """The converter renames inputs but keeps their order and number; what follows relies on both."""
    kinds = [TensorProto.FLOAT if feature.numeric else TensorProto.STRING for feature in signature.features]
    if [node.type.tensor_type.elem_type for node in graph.graph.input] != kinds:
        raise CompilationError("the converter changed the inputs")


def _pack_inputs(graph: onnx.ModelProto, signature: Signature) -> None:
    """Replace an input a feature by one a type: two arrays are made and fed in less time than twenty."""
    names = [node.name for node in graph.graph.input]
    numeric = [name for name, feature in zip(names, signature.features, strict=True) if feature.numeric]
    texts = [name for name, feature in zip(names, signature.features, strict=True) if not feature.numeric]
    del graph.graph.input[:]
    for block, columns, kind in ((NUMBERS, numeric, TensorProto.FLOAT), (TEXTS, texts, TensorProto.STRING)):
        if columns:
            graph.graph.input.append(helper.make_tensor_value_info(block, kind, [None, len(columns)]))
            _take_from(graph, block, columns)


def _take_from(graph: onnx.ModelProto, block: str, columns: list[str]) -> None:
    """Rewrite what reads the named columns to read the block.

    A node that joins columns takes them out of the block at once, and is not needed where it would take all in order.
    """
    joins = [node for node in graph.graph.node if node.op_type == "Concat" and set(node.input) <= set(columns)]
    taken = []
    for node in joins:
        graph.graph.node.remove(node)
        if list(node.input) == columns:
            _rename(graph, node.output[0], block)
        else:
            taken.append(_extract(graph, block, [columns.index(name) for name in node.input], node.output[0]))
    single = [name for name in columns if any(name in node.input for node in graph.graph.node)]
    taken += [_extract(graph, block, [columns.index(name)], name) for name in single]
    nodes = [*taken, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def _extract(graph: onnx.ModelProto, block: str, columns: list[int], output: str) -> onnx.NodeProto:
    wanted = f"{output}_columns"
    graph.graph.initializer.append(numpy_helper.from_array(np.array(columns, np.int64), wanted))
    return helper.make_node("ArrayFeatureExtractor", [block, wanted], [output], domain="ai.onnx.ml")


def _rename(graph: onnx.ModelProto, old: str, new: str) -> None:
    for node in graph.graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def _keep_positive(graph: onnx.ModelProto, index: int) -> None:
    """Replace the outputs (label, and a probability a class) by the positive label's probability."""
    probabilities = graph.graph.output[1].name
    del graph.graph.output[:]
    graph.graph.initializer.append(numpy_helper.from_array(np.array(index, np.int64), "positive"))
    graph.graph.node.append(helper.make_node("Gather", [probabilities, "positive"], [PROBABILITY], axis=1))
    graph.graph.output.append(helper.make_tensor_value_info(PROBABILITY, TensorProto.FLOAT, [None]))


def _drop_unread(graph: onnx.ModelProto) -> None:
    """Remove nodes, of labels above all, whose result leads nowhere: ONNX Runtime would run them."""
    read = {output.name for output in graph.graph.output}
    kept = []
    for node in reversed(graph.graph.node):
        if read.intersection(node.output):
            kept.append(node)
            read.update(node.input)
    constants = [constant for constant in graph.graph.initializer if constant.name in read]
    del graph.graph.node[:], graph.graph.initializer[:]
    graph.graph.node.extend(reversed(kept))
    graph.graph.initializer.extend(constants)


def _take_one_row(graph: onnx.ModelProto) -> None:
    """Declare inputs of one row: scorers then run the graph once a row."""
    for block in graph.graph.input:
        block.type.tensor_type.shape.dim[0].dim_value = 1
