"""Exact reasons for a graph that is a sum."""

from churn_api.contract.signature import Signature
from churn_api.training.reasons.additive_form import AdditiveForm
from churn_api.training.reasons.graph_view import GraphView
from churn_api.training.reasons.linear_reasons import linear_reasons
from churn_api.training.reasons.reasons_graph import MAX_BYTES, Background, ReasonsGraph
from churn_api.training.reasons.tree_reasons import tree_reasons


def exact_reasons(graph: GraphView, form: AdditiveForm, signature: Signature, background: Background) -> ReasonsGraph:
    """The graph of reasons of a sum. Raises NotExactError."""
    if form.is_linear:
        return linear_reasons(graph, form, signature, background)
    return tree_reasons(graph, form, signature, background, MAX_BYTES)
