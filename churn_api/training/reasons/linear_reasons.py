"""Contributions to a weighted sum: each term, minus its mean over the background."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from churn_api.contract.signature import Signature
from churn_api.scoring.onnx import CONTRIBUTIONS, OnnxGraph
from churn_api.training.graphs.graph_writer import GraphWriter
from churn_api.training.graphs.linear_sum import EXACT_SUM
from churn_api.training.reasons.additive_form import AdditiveForm
from churn_api.training.reasons.column_origins import single_origins
from churn_api.training.reasons.graph_view import GraphView, NotExactError
from churn_api.training.reasons.reasons_graph import Background, ReasonsGraph, finished, intermediate, run_in_blocks


def linear_reasons(graph: GraphView, form: AdditiveForm, signature: Signature, background: Background) -> ReasonsGraph:
    """The graph of reasons of a weighted sum. Raises NotExactError."""
    terms, weights, constant = _inputs(graph, form)
    features = single_origins(graph, terms, signature)
    by_feature = np.zeros((len(features), len(signature.features)))
    by_feature[np.arange(len(features)), features] = weights
    writer = GraphWriter(graph.model)
    means = _means(intermediate(writer, graph.model, terms, TensorProto.DOUBLE), background)
    # The terms are integers of a unit, so each feature's sum is the same double in any order, as the complete sum is.
    # Not a MatMul, into which ONNX Runtime would draw the slope as a float32.
    sums = writer.add("Gemm", terms, writer.constant(by_feature), prefix=EXACT_SUM)
    sloped = sums if form.slope == 1 else writer.add("Mul", sums, writer.constant(np.float64(form.slope)))
    typical = form.slope * (means @ by_feature)
    writer.name_result("Sub", [sloped, writer.constant(typical)], CONTRIBUTIONS)
    base = form.slope * (float(means @ weights) + constant) + form.intercept
    return ReasonsGraph(finished(writer, *graph.ends), form.scale, base, background.columns.rows)


class _Inputs(NamedTuple):
    terms: str
    weights: NDArray[np.float64]
    constant: float


def _inputs(graph: GraphView, form: AdditiveForm) -> _Inputs:
    """The sum's columns, their weights, and its constant; all columns of the result are equal (`LANES`)."""
    terms, weights, constant = form.node.input
    by_lane, added = graph.constant(weights), graph.constant(constant)
    if by_lane is None or added is None:
        raise NotExactError("the weights of the sum are not constant")
    return _Inputs(terms, by_lane[:, 0], float(added[0]))


def _means(graph: OnnxGraph, background: Background) -> NDArray[np.float64]:
    """The weighted mean of each term."""
    total: NDArray[np.float64] = sum(weights @ block for block, weights in run_in_blocks(graph, background))
    return total
