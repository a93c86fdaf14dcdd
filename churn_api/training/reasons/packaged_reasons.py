"""The reasons of a bundle, and what its card says of them: exact where the graph allows, else estimated, else none."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.card import BruteForce, ReasonsProof
from churn_api.registry.global_explanation import GlobalExplanation
from churn_api.scoring.explanation import Method
from churn_api.scoring.onnx import OnnxExplainer, OnnxScorer
from churn_api.training.reasons.additive_form import additive_form
from churn_api.training.reasons.background_effects import BackgroundEffects
from churn_api.training.reasons.exact_reasons import exact_reasons
from churn_api.training.reasons.graph_view import GraphView, NotExactError
from churn_api.training.reasons.proof import TOLERANCE, Additivity, additivity, brute_force_check
from churn_api.training.reasons.reasons_graph import MAX_BYTES, Background, ReasonsGraph
from churn_api.training.reasons.sampled_reasons import NoReasonsError, sampled_reasons

ESTIMATED_ROWS = 500
"""Estimates are checked on at most so many training rows."""
MAX_GOLDEN_ROWS = 32
"""Of more golden rows, so many have their contributions in the card: it is read at every start."""


class PackagedReasons(NamedTuple):
    """The graph of reasons and the model's explanation, None where there are none, and the card's part."""

    graph: bytes | None
    card: ReasonsProof
    explanation: GlobalExplanation | None = None


def package_reasons(
    graph: bytes,
    signature: Signature,
    training: Columns,
    golden: Columns,
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> PackagedReasons:
    """Reasons for a compiled model, against all training rows, which have these weights (by default all alike)."""
    if training.rows == 0:
        return without_reasons("there are no training rows to compare a customer with")
    background = Background.of(training, weights)
    view = GraphView(onnx.load_from_string(graph))
    try:
        return _exact(view, signature, background, golden)
    except NotExactError as error:
        why = str(error)
    try:
        reasons = sampled_reasons(view.model, signature, background, seed)
        # One record takes as long as hundreds that are only scored.
        some = background.some(ESTIMATED_ROWS)
        return _packaged(reasons, signature, some, golden, OnnxScorer(graph), lambda _: None, why)
    except (NoReasonsError, NotExactError) as error:
        return without_reasons(f"{why}; {error}")
    except Exception as error:  # noqa: BLE001 - a converter's graph; ONNX Runtime's errors share no base class
        return without_reasons(f"{why}; its graph cannot be run with other values ({type(error).__name__})")


def without_reasons(why: str) -> PackagedReasons:
    """No reasons."""
    return PackagedReasons(None, ReasonsProof(method="none", why=why))


def _exact(view: GraphView, signature: Signature, background: Background, golden: Columns) -> PackagedReasons:
    form = additive_form(view)
    reasons = exact_reasons(view, form, signature, background)

    def check(importance: NDArray[np.float64]) -> BruteForce:
        return brute_force_check(view, form, signature, background.columns, golden, importance)

    return _packaged(reasons, signature, background, golden, OnnxScorer(view.model.SerializeToString()), check)


def _packaged(
    reasons: ReasonsGraph,
    signature: Signature,
    background: Background,
    golden: Columns,
    scorer: OnnxScorer,
    check: Callable[[NDArray[np.float64]], BruteForce | None],
    why: str | None = None,
) -> PackagedReasons:
    """The reasons with what was checked. Raises NotExactError where a check fails."""
    if len(reasons.graph) > MAX_BYTES:
        raise NotExactError(f"its graph would be larger than {MAX_BYTES >> 20} MB")
    effects = BackgroundEffects(signature, background)
    added_up = additivity(reasons, background, scorer.score(background.columns), effects)
    brute_force = check(effects.importance)
    _require_equal(added_up, brute_force)
    chosen = _chosen(golden.rows)
    _, contributions = OnnxExplainer(reasons.graph).explain(golden.take(chosen))
    method: Method = "sampled" if reasons.walks else "exact"
    card = ReasonsProof(
        method=method,
        why=why,
        scale=reasons.scale,
        base=reasons.base,
        background_rows=reasons.background_rows,
        walks=reasons.walks,
        tolerance=TOLERANCE,
        checked_rows=background.columns.rows,
        largest_gap=added_up.largest_gap,
        brute_force=brute_force,
        golden_rows=tuple(chosen),
        contributions=tuple(map(tuple, contributions.tolist())),
    )
    explanation = GlobalExplanation(
        method=method,
        scale=reasons.scale,
        base=reasons.base,
        background_rows=background.columns.rows,
        features=effects.features(),
    )
    return PackagedReasons(reasons.graph, card, explanation)


def _require_equal(added_up: Additivity, brute_force: BruteForce | None) -> None:
    """Raise NotExactError where contributions do not add up, or differ from their definition, if that was checked."""
    _require(added_up.largest_gap, "the contributions of a row do not add up to its probability")
    if brute_force is not None:
        _require(added_up.mean_gap, "the base is not the mean of the training rows")
        _require(brute_force.largest_difference, "the contributions differ from their definition")


def _require(difference: float, complaint: str) -> None:
    if not difference <= TOLERANCE:
        raise NotExactError(f"{complaint} (by {difference:.3g})")


def _chosen(golden: int) -> list[int]:
    """Positions of at most 32 golden rows, from the first to the last."""
    return sorted(set(np.linspace(0, golden - 1, min(golden, MAX_GOLDEN_ROWS)).astype(int).tolist()))
