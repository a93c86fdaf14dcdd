"""A fitted classifier as a graph that computes in doubles."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from churn_api.contract.signature import Signature
from churn_api.scoring.onnx import NUMBERS, PROBABILITY, TEXTS
from churn_api.scoring.sklearn import positive_index
from churn_api.training.graphs.classifiers import probability
from churn_api.training.graphs.column_blocks import Features
from churn_api.training.graphs.graph_writer import GraphWriter


def write_graph(classifier: Any, signature: Signature) -> onnx.ModelProto:
    """The graph: inputs `numbers` (n, k) of doubles and `texts` (n, m), output `probability` (n,) of doubles.

    Raises UnsupportedStepError for a step that has no rule, and ValueError where the target's labels are not the
    classifier's.
    """
    positive = positive_index(classifier.classes_, signature.target)
    graph = GraphWriter()
    result = probability(graph, classifier, Features(signature))
    if positive == 0:
        result = graph.add("Sub", graph.constant(np.float64(1)), result)
    return graph.finish(_inputs(signature), result, PROBABILITY)


def _inputs(signature: Signature) -> list[onnx.ValueInfoProto]:
    numeric = sum(feature.numeric for feature in signature.features)
    blocks = (
        (NUMBERS, TensorProto.DOUBLE, numeric),
        (TEXTS, TensorProto.STRING, len(signature.features) - numeric),
    )
    return [helper.make_tensor_value_info(name, kind, [None, width]) for name, kind, width in blocks if width]
