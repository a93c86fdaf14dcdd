"""What it costs that the same record gives the same double: the sum of a logistic model, and a matrix product's."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
import onnx
from sklearn.linear_model import LogisticRegression

from benchmarks.models import FOLDER, MODELS, make_models
from benchmarks.report import table_of, write_figures
from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.registry.bundle import read_card
from churn_api.scoring.onnx import OnnxScorer
from churn_api.tables.training_table import read_table, to_columns
from churn_api.training.compilation import compile_pipeline
from churn_api.training.converters import CONVERSION

LOGISTIC = MODELS[1]
SIZES = {1: 500, 100: 100, 1000: 20}
"""Rows, and how often they are scored in a round: each round takes some milliseconds."""


def run(rounds: int, *, dry: bool) -> None:
    """Score the same rows with both graphs in turn, and write benchmarks/README.md unless `dry`."""
    bundle = make_models(FOLDER) / LOGISTIC / "1"
    signature, pipeline = read_card(bundle).signature, joblib.load(bundle / "model.joblib")
    columns = to_columns(read_table(FOLDER / "customers.csv").slice(0, max(SIZES)), signature)
    scorers = [OnnxScorer(_with_matrix_product(pipeline, signature)), OnnxScorer(compile_pipeline(pipeline, signature))]
    rows = []
    for size, calls in SIZES.items():
        times = _times(scorers, columns.take(np.arange(size)), calls, rounds)
        before, now = (statistics.median(each) * 1e6 for each in zip(*times, strict=True))
        ratio = statistics.median(now / before for before, now in times)
        rows.append([f"{size:,}", f"{before:,.1f}", f"{now:,.1f}", f"{now - before:+,.1f}", f"{ratio:.3f}"])
    head = ["rows", "matrix product, CPU µs", "exact sum, CPU µs", "µs more", "ratio"]
    write_figures("sums", table_of(head, rows), dry=dry)


def _times(scorers: list[OnnxScorer], columns: Columns, calls: int, rounds: int) -> list[list[float]]:
    """Processor seconds of a call, of each scorer in each round."""
    return [[_time(scorer, columns, calls) for scorer in scorers] for _ in range(rounds)]


def _time(scorer: OnnxScorer, columns: Columns, calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        scorer.score(columns)
    return (time.process_time() - began) / calls


def _with_matrix_product(pipeline: Any, signature: Signature) -> bytes:
    """The pipeline as skl2onnx itself converts its classifier, taking any number of rows."""
    with _skl2onnx_converts_logistic():
        graph = onnx.load_from_string(compile_pipeline(pipeline, signature))
    for block in graph.graph.input:
        block.type.tensor_type.shape.dim[0].dim_param = "rows"
    return bytes(graph.SerializeToString())


@contextmanager
def _skl2onnx_converts_logistic() -> Iterator[None]:
    ours = {kind: converters.pop(LogisticRegression) for kind, converters in CONVERSION.items()}
    try:
        yield
    finally:
        for kind, converter in ours.items():
            CONVERSION[kind][LogisticRegression] = converter
