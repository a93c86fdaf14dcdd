"""Packages a pipeline that was fitted outside this program as a bundle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.remark import Remark
from churn_api.contract.signature import Signature, SignatureError
from churn_api.registry.card import Card, Training
from churn_api.registry.evaluation_report import EvaluationReport, Spread
from churn_api.scoring.output import policy_around, refuse_reserved_names
from churn_api.scoring.sklearn import SklearnScorer
from churn_api.tables.read_options import AS_IT_IS, ReadOptions
from churn_api.tables.row_numbers import row_name
from churn_api.tables.table_errors import TableError
from churn_api.tables.training_table import file_remarks, read_table, to_columns
from churn_api.training.candidates import SEED
from churn_api.training.compilation import reason_of
from churn_api.training.evaluation import EvaluatedRows, evaluation_report
from churn_api.training.evaluation_metrics import Labels, metrics
from churn_api.training.golden import golden_rows, golden_rows_from_examples
from churn_api.training.joblib_file import load_classifier
from churn_api.training.packaging import CardDetails, package
from churn_api.training.preparation import sha256_of
from churn_api.training.scorable_rows import check_rows, scorable
from churn_api.training.target_labels import target_labels
from churn_api.training.thresholds import largest_f1
from churn_api.training.training_error import TrainingError

DEFAULT_THRESHOLD = 0.5


def package_external_pipeline(
    model: Path,
    signature: Signature,
    *,
    golden_table: Path | None,
    options: ReadOptions = AS_IT_IS,
    name: str,
    models_dir: Path,
) -> Card:
    """Package a joblib file as a bundle. Unpickling runs code in the file: use only files that you trust.

    With a golden table, which is read by `options`, parity is verified on its rows too; where the table has the target,
    metrics and threshold come from it. Raises TrainingError where the file is not a classifier, or does not match the
    signature.
    """
    _check_reserved_names(signature)
    classifier, remarks = load_classifier(model)
    with _naming(remarks):
        scorer = _scorer(classifier, signature)
        columns, labels, training = _golden_table(golden_table, options, signature, scorer)
        rows = golden_rows(signature, columns, SEED) if columns.rows else golden_rows_from_examples(signature)
        golden = scorable(scorer, signature, rows)
    threshold, evaluation, report = _evaluate(scorer, signature, columns, labels)
    training = msgspec.structs.replace(training, remarks=(*remarks, *training.remarks))
    return package(
        classifier,
        signature,
        name=name,
        columns=columns,
        golden=golden,
        details=CardDetails(policy_around(threshold), evaluation, training, report),
        models_dir=models_dir,
    )


def _check_reserved_names(signature: Signature) -> None:
    try:
        refuse_reserved_names(signature)
    except SignatureError as error:
        raise TrainingError(str(error)) from error


def _scorer(classifier: Any, signature: Signature) -> SklearnScorer:
    try:
        return SklearnScorer(classifier, signature)
    except ValueError as error:
        raise TrainingError(str(error)) from error
    except Exception as error:  # of another version, which lacks attributes
        raise TrainingError(f"the classifier cannot be used: {reason_of(error)}") from error


@contextmanager
def _naming(remarks: Sequence[Remark]) -> Iterator[None]:
    """Add remarks on the classifier's file to an error of the `with` block: they are the likely reason."""
    try:
        yield
    except TrainingError as error:
        if remarks:
            raise TrainingError("; ".join([str(error), *(remark.seen for remark in remarks)])) from error
        raise


def _golden_table(
    path: Path | None, options: ReadOptions, signature: Signature, scorer: SklearnScorer
) -> tuple[Columns, Labels | None, Training]:
    """The rows of a golden table with their labels, and what the card says of it."""
    if path is None:
        return ColumnsBuilder(signature).build_from_rows([]), None, Training()
    try:
        table = read_table(path, options, target=signature.target.name)
        columns = to_columns(table, signature)
    except TableError as error:
        raise TrainingError(str(error)) from error
    check_rows(scorer, signature, columns, lambda row: f"{row_name(table, row)} of {path.name}")
    training = Training(sha256=sha256_of(path), remarks=tuple(file_remarks(table)))
    return columns, target_labels(table, signature), training


def _evaluate(
    scorer: SklearnScorer, signature: Signature, columns: Columns, labels: Labels | None
) -> tuple[float, dict[str, Any], EvaluationReport | None]:
    """The threshold, the card's metrics, and the report; without labels there is nothing to measure."""
    if labels is None:
        return DEFAULT_THRESHOLD, {}, None
    probabilities = scorer.score(columns)
    threshold = largest_f1(labels, probabilities)
    measured = metrics(labels, probabilities)
    report = evaluation_report(
        signature,
        EvaluatedRows(columns, labels, probabilities),
        basis="golden table",
        threshold=threshold.value,
        metrics={name: Spread(value) for name, value in measured.items()},
    )
    return threshold.value, {"golden_table": measured, "threshold": threshold._asdict()}, report
