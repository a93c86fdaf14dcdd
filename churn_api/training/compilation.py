"""Compiles a fitted pipeline to an ONNX graph, and verifies that the two are equal (parity)."""

import warnings
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.card import Parity
from churn_api.registry.equal_probabilities import equal_probabilities
from churn_api.scoring.onnx import NUMBERS, PROBABILITY, TEXTS, OnnxScorer
from churn_api.scoring.output import BAND, PREDICTION, Policy
from churn_api.scoring.sklearn import positive_index
from churn_api.training.graphs.graph_writer import UnsupportedStepError
from churn_api.training.graphs.pipeline_graph import write_graph
from churn_api.training.row_independence import scores_rows_independently

TOLERANCE = 1e-6
"""Probabilities that differ by no more are equal."""
LOG_ODDS_TOLERANCE = 1e-5
"""So are probabilities whose log-odds differ by no more: near 0.5 that is 2.5e-6."""


class CompilationError(Exception):
    """A pipeline that cannot be compiled to ONNX; the text gives the reason."""


def compile_pipeline(classifier: Any, signature: Signature) -> bytes:
    """Compile a fitted classifier: inputs `numbers` (n, k) and `texts` (n, m), output `probability` (n,).

    A row gets the same double alone and in a batch. Where the operators do not guarantee that, the graph declares
    inputs of one row. Raises CompilationError.
    """
    try:
        graph = _graph(classifier, signature)
        if not scores_rows_independently(graph):
            _declare_one_row(graph)
        onnx.checker.check_model(graph)
    except CompilationError:
        raise
    except Exception as error:
        raise CompilationError(reason_of(error)) from error
    return bytes(graph.SerializeToString())


def _graph(classifier: Any, signature: Signature) -> onnx.ModelProto:
    """The graph that computes in doubles, or skl2onnx's in float32 where a step has no rule there."""
    try:
        return write_graph(classifier, signature)
    except UnsupportedStepError as unsupported:
        try:
            return convert_by_skl2onnx(classifier, signature)
        except Exception as error:
            raise CompilationError(f"{unsupported} ({reason_of(error)})") from error


def reason_of(error: Exception) -> str:
    """The type of an exception and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0][:300]}"


def convert_by_skl2onnx(classifier: Any, signature: Signature) -> onnx.ModelProto:
    """The graph that skl2onnx makes, in float32. Raises what skl2onnx raises."""
    inputs = [
        (feature.name, (FloatTensorType if feature.numeric else StringTensorType)([None, 1]))
        for feature in signature.features
    ]
    graph = _convert(classifier, inputs)
    _check_inputs(graph, signature)
    _pack_inputs(graph, signature)
    _keep_positive(graph, positive_index(classifier.classes_, signature.target))
    _remove_unused_nodes(graph)
    return graph


def _convert(classifier: Any, inputs: list[tuple[str, Any]]) -> onnx.ModelProto:
    with warnings.catch_warnings():
        # skl2onnx passes booleans to integer fields, which protobuf < 7 accepts; setup.cfg has that upper bound.
        warnings.filterwarnings("ignore", message="Field onnx.*got a boolean", category=DeprecationWarning)
        graph: onnx.ModelProto = convert_sklearn(classifier, initial_types=inputs, options={"zipmap": False})
    return graph


def verify_parity(
    graph: bytes, columns: Columns, expected: NDArray[np.float64], policy: Policy | None = None
) -> Parity:
    """Compare the compiled model's probabilities with the pipeline's, `expected` of shape (n,), for the same rows.

    They are equal where a client cannot see a difference: every probability within a tolerance, and, with a policy, the
    same decision and the same risk band in every row.
    """
    try:
        scored = OnnxScorer(graph).score(columns)
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base class
        return failed_parity(f"the compiled model cannot score: {type(error).__name__}")
    parity = Parity(
        proven=True,
        tolerance=TOLERANCE,
        log_odds_tolerance=LOG_ODDS_TOLERANCE,
        rows=columns.rows,
        largest_difference=float(np.max(np.abs(scored - expected))),
    )
    reason = _difference(scored, expected, parity, policy)
    return msgspec.structs.replace(parity, proven=False, reason=reason) if reason else parity


def _difference(
    scored: NDArray[np.float64], expected: NDArray[np.float64], parity: Parity, policy: Policy | None
) -> str | None:
    """What a client could see of the difference, or None."""
    unequal = int(np.sum(~equal_probabilities(scored, expected, parity)))
    if unequal:
        return f"{unequal} of {parity.rows} rows differ; the largest difference is {parity.largest_difference:.3g}"
    if policy is None:
        return None
    for column in (PREDICTION, BAND):
        found, wanted = (column.compute(values, policy.threshold, policy) for values in (scored, expected))
        other = int(np.sum(found != wanted))
        if other:
            return f"{other} of {parity.rows} rows have another {column.name}"
    return None


def failed_parity(reason: str) -> Parity:
    """The Parity of a comparison that could not run."""
    return Parity(proven=False, tolerance=TOLERANCE, log_odds_tolerance=LOG_ODDS_TOLERANCE, reason=reason)


def _check_inputs(graph: onnx.ModelProto, signature: Signature) -> None:
    """Check that the converter kept the order and number of inputs, though it renames them."""
    kinds = [TensorProto.FLOAT if feature.numeric else TensorProto.STRING for feature in signature.features]
    if [node.type.tensor_type.elem_type for node in graph.graph.input] != kinds:
        raise CompilationError("the converter changed the inputs")


def _pack_inputs(graph: onnx.ModelProto, signature: Signature) -> None:
    """Replace one input per feature by one per type: two arrays are faster to make and feed than twenty."""
    names = [node.name for node in graph.graph.input]
    numeric = [name for name, feature in zip(names, signature.features, strict=True) if feature.numeric]
    texts = [name for name, feature in zip(names, signature.features, strict=True) if not feature.numeric]
    del graph.graph.input[:]
    for block, columns, kind in ((NUMBERS, numeric, TensorProto.FLOAT), (TEXTS, texts, TensorProto.STRING)):
        if columns:
            graph.graph.input.append(helper.make_tensor_value_info(block, kind, [None, len(columns)]))
            _take_from(graph, block, columns)


def _take_from(graph: onnx.ModelProto, block: str, columns: list[str]) -> None:
    """Rewrite nodes that read the named columns to read from the block.

    A Concat of columns becomes one extraction, or is removed where it would extract all columns in order.
    """
    joins = [node for node in graph.graph.node if node.op_type == "Concat" and set(node.input) <= set(columns)]
    extractions = []
    for node in joins:
        graph.graph.node.remove(node)
        if list(node.input) == columns:
            _rename(graph, node.output[0], block)
        else:
            extractions.append(_extract(graph, block, [columns.index(name) for name in node.input], node.output[0]))
    single = [name for name in columns if any(name in node.input for node in graph.graph.node)]
    extractions += [_extract(graph, block, [columns.index(name)], name) for name in single]
    nodes = [*extractions, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)


def _extract(graph: onnx.ModelProto, block: str, columns: list[int], output: str) -> onnx.NodeProto:
    indices = f"{output}_columns"
    graph.graph.initializer.append(numpy_helper.from_array(np.array(columns, np.int64), indices))
    return helper.make_node("ArrayFeatureExtractor", [block, indices], [output], domain="ai.onnx.ml")


def _rename(graph: onnx.ModelProto, old: str, new: str) -> None:
    for node in graph.graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def _keep_positive(graph: onnx.ModelProto, index: int) -> None:
    """Replace the outputs (label, and one probability per class) by the positive label's probability."""
    probabilities = graph.graph.output[1].name
    del graph.graph.output[:]
    graph.graph.initializer.append(numpy_helper.from_array(np.array(index, np.int64), "positive"))
    graph.graph.node.append(helper.make_node("Gather", [probabilities, "positive"], [PROBABILITY], axis=1))
    graph.graph.output.append(helper.make_tensor_value_info(PROBABILITY, TensorProto.FLOAT, [None]))


def _remove_unused_nodes(graph: onnx.ModelProto) -> None:
    """Remove nodes without effect on the output, mostly those of labels: ONNX Runtime would run them."""
    used = {output.name for output in graph.graph.output}
    kept = []
    for node in reversed(graph.graph.node):
        if used.intersection(node.output):
            kept.append(node)
            used.update(node.input)
    constants = [constant for constant in graph.graph.initializer if constant.name in used]
    del graph.graph.node[:], graph.graph.initializer[:]
    graph.graph.node.extend(reversed(kept))
    graph.graph.initializer.extend(constants)


def _declare_one_row(graph: onnx.ModelProto) -> None:
    """Declare inputs of one row: scorers then run the graph once per row."""
    for block in graph.graph.input:
        block.type.tensor_type.shape.dim[0].dim_value = 1
