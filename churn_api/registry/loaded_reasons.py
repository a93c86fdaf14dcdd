"""Loads the reasons of a bundle. They are optional: a model whose reasons cannot be used serves without them."""

import logging
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.signature import Signature
from churn_api.reasons.writer import ReasonWriter
from churn_api.registry.bundle import REASONS_FILE, BundleError, read_artefact
from churn_api.registry.card import Card, ReasonsProof
from churn_api.scoring.explanation import Explanation
from churn_api.scoring.scorer import Scorer

log = logging.getLogger(__name__)


class Contributor(Protocol):
    """Computes contributions."""

    def explain(self, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities (n,) and contributions (n, features); n is at least 1."""
        ...


class Explainer:
    """Explains a model's predictions, and puts the explanations in words. Safe to share between threads."""

    def __init__(self, contributor: Contributor, signature: Signature, proof: ReasonsProof) -> None:
        self._contributor = contributor
        self._features = len(signature.features)
        self.proof = proof
        self.writer = ReasonWriter(signature)

    def explain(self, columns: Columns) -> Explanation:
        """Probabilities, the same doubles as the model's scorer gives, with contributions. n may be 0."""
        if not columns.rows:
            return Explanation(np.empty(0), np.empty((0, self._features)), self.proof.base, self.proof.scale)
        return Explanation(*self._contributor.explain(columns), self.proof.base, self.proof.scale)


class LoadedReasons(NamedTuple):
    """An explainer, or why there is none."""

    explainer: Explainer | None
    why_none: str = ""
    error: BundleError | None = None
    """Where the bundle has reasons, why they cannot be used."""


def load_reasons(folder: Path, card: Card, scorer: Scorer) -> LoadedReasons:
    """The explainer of a bundle, checked by its digest and on golden rows. A failure is logged, not raised."""
    reasons = card.reasons
    if reasons is None:
        return LoadedReasons(None, why_none="it was packaged before there were reasons: train or package it again")
    if reasons.method == "none":
        return LoadedReasons(None, why_none=reasons.why or "")
    try:
        contributor = _checked_contributor(folder, card, reasons, scorer)
        return LoadedReasons(Explainer(contributor, card.signature, reasons))
    except BundleError as error:
        log.warning("version %s of model %r serves without reasons: %s", card.version, card.name, error)
        return LoadedReasons(None, why_none=str(error), error=error)


def _checked_contributor(folder: Path, card: Card, reasons: ReasonsProof, scorer: Scorer) -> Contributor:
    graph = read_artefact(folder, card, REASONS_FILE)
    # Imported here: processes that only read cards do not load ONNX Runtime.
    from churn_api.scoring.onnx import OnnxExplainer

    try:
        contributor = OnnxExplainer(graph)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        raise BundleError(f"{REASONS_FILE} cannot be loaded ({type(error).__name__})") from error
    _check_golden_rows(contributor, card, reasons, scorer)
    return contributor


def _check_golden_rows(contributor: Contributor, card: Card, reasons: ReasonsProof, scorer: Scorer) -> None:
    try:
        rows = [card.golden.rows[index] for index in reasons.golden_rows]
        columns = ColumnsBuilder(card.signature).build_from_rows(rows)
        contributor.explain(columns.take([0]))  # as for the scorer, see model.py
        probabilities, contributions = contributor.explain(columns)
        scored = scorer.score(columns)
    except Exception as error:
        raise BundleError(f"{REASONS_FILE} cannot explain golden rows ({type(error).__name__})") from error
    if not np.array_equal(probabilities, scored):
        raise BundleError(f"{REASONS_FILE} gives golden rows other probabilities than the model")
    expected = np.array(reasons.contributions)
    if contributions.shape != expected.shape or not np.all(np.abs(contributions - expected) <= reasons.tolerance):
        raise BundleError(f"{REASONS_FILE} gives golden rows other contributions than when it was packaged")
