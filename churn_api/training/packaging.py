"""A fitted pipeline -> a bundle: compiles it, verifies parity, and writes its card."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import msgspec
import numpy as np
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, ColumnsBuilder, concatenate
from churn_api.contract.signature import Signature
from churn_api.registry.baseline import Baseline
from churn_api.registry.bundle import JOBLIB_FILE, ONNX_FILE, REASONS_FILE, write_bundle
from churn_api.registry.card import Card, Golden, Parity, Training
from churn_api.registry.evaluation_report import REPORT_FILE, EvaluationReport
from churn_api.registry.global_explanation import EXPLANATION_FILE
from churn_api.scoring.output import Policy
from churn_api.scoring.sklearn import SklearnScorer
from churn_api.training.baseline import baseline_of
from churn_api.training.compilation import CompilationError, compile_pipeline, failed_parity, verify_parity
from churn_api.training.golden import GoldenRow
from churn_api.training.reasons.packaged_reasons import PackagedReasons, package_reasons, without_reasons

LIBRARIES = ("scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "pandas", "churn-api")


class CardDetails(NamedTuple):
    """The parts of a card that do not come from the pipeline."""

    policy: Policy
    metrics: dict[str, Any]
    training: Training
    report: EvaluationReport | None = None
    scores: NDArray[np.float64] | None = None
    """Probabilities of rows that the pipeline was not fitted on, of any number; None where `columns` are such rows."""


def package(
    classifier: Any,
    signature: Signature,
    *,
    name: str,
    columns: Columns,
    golden: Sequence[GoldenRow],
    details: CardDetails,
    models_dir: Path,
    weights: NDArray[np.float64] | None = None,
) -> Card:
    """Write a bundle, and return its card.

    The compiled model must equal the classifier on `columns` (its training rows, where available) and on the golden
    rows. Where it differs, or cannot be compiled, the bundle serves from scikit-learn, and its card gives the reason.
    Reasons for its predictions compare a record with the rows of `columns`, of which `weights` (n,) says how much each
    counts; by default all count alike.
    """
    golden_columns = ColumnsBuilder(signature).build_from_rows(golden)
    rows = concatenate([columns, golden_columns])
    expected = SklearnScorer(classifier, signature).score(rows)
    graph, parity = _compiled(classifier, signature, rows, expected, details.policy)
    reasons = (
        package_reasons(graph, signature, columns, golden_columns, weights)
        if graph
        else without_reasons("the pipeline itself serves, as it is not compiled")
    )
    card = Card(
        name=name,
        version="",
        created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        scorer="onnx" if parity.proven else "sklearn",
        signature=signature,
        policy=details.policy,
        metrics=details.metrics,
        libraries={library: version(library) for library in LIBRARIES},
        training=details.training,
        parity=parity,
        golden=Golden(rows=tuple(golden), probabilities=tuple(expected[columns.rows :].tolist())),
        files={},
        reasons=reasons.card,
        baseline=_baseline(signature, columns, expected[: columns.rows], details.scores),
    )
    return write_bundle(models_dir, card, _files(classifier, graph, reasons, details.report))


def _files(
    classifier: Any, graph: bytes | None, reasons: PackagedReasons, report: EvaluationReport | None
) -> dict[str, bytes]:
    """The files of a bundle by name, without its card."""
    explanation = reasons.explanation
    files = {
        JOBLIB_FILE: _to_joblib(classifier),
        ONNX_FILE: graph,
        REASONS_FILE: reasons.graph,
        EXPLANATION_FILE: None if explanation is None else msgspec.json.encode(explanation),
        REPORT_FILE: None if report is None else msgspec.json.encode(report),
    }
    return {name: content for name, content in files.items() if content is not None}


def _baseline(
    signature: Signature, columns: Columns, own: NDArray[np.float64], scores: NDArray[np.float64] | None
) -> Baseline | None:
    """The baseline of `columns`, whose probabilities are `own`; `scores` as in CardDetails."""
    return baseline_of(signature, columns, own) if scores is None else baseline_of(signature, columns, scores, own)


def _compiled(
    classifier: Any, signature: Signature, columns: Columns, expected: NDArray[np.float64], policy: Policy
) -> tuple[bytes | None, Parity]:
    """The graph, or None where parity fails, and the result of the parity check."""
    try:
        graph = compile_pipeline(classifier, signature)
    except CompilationError as error:
        return None, failed_parity(f"it cannot be compiled: {error}")
    parity = verify_parity(graph, columns, expected, policy)
    return (graph if parity.proven else None), parity


def _to_joblib(classifier: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(classifier, buffer, compress=3)
    return buffer.getvalue()
