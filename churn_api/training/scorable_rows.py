"""Checks that a pipeline scores the rows that its signature allows, and those of its golden table."""

from collections.abc import Callable

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.signature import Signature
from churn_api.scoring.sklearn import SklearnScorer, to_frame
from churn_api.training.compilation import reason_of
from churn_api.training.golden import GoldenRow
from churn_api.training.training_error import TrainingError


def check_rows(scorer: SklearnScorer, signature: Signature, columns: Columns, name_of: Callable[[int], str]) -> None:
    """Raise TrainingError where a pipeline cannot score a row of a table; `name_of` has the row's name.

    The error says which values the row lacks, and has none of them.
    """
    if _scores(scorer, columns):
        return
    first, last = 0, columns.rows
    while last - first > 1:
        middle = (first + last) // 2
        if _scores(scorer, _slice(columns, first, middle)):
            first = middle
        else:
            last = middle
    frame = to_frame(_slice(columns, first, last), signature)
    absent = [name for name in frame.columns if frame[name].isna().all()]
    described = f"which lacks {', '.join(map(repr, absent))}" if absent else "which lacks no value"
    remedy = "impute missing values in the pipeline, or leave such rows out" if absent else "score it alone to see why"
    raise TrainingError(f"the pipeline cannot score {name_of(first)}, {described}: {remedy}")


def scorable(scorer: SklearnScorer, signature: Signature, rows: tuple[GoldenRow, ...]) -> list[GoldenRow]:
    """The golden rows that the pipeline can score.

    Raises TrainingError where it cannot score one that the signature allows.
    """
    builder = ColumnsBuilder(signature)
    kept = []
    for row in rows:
        try:
            scorer.score(builder.build_from_rows([row]))
            kept.append(row)
        except Exception as error:
            if _allows(signature, row):
                raise TrainingError(
                    "the pipeline cannot score a record that the signature allows "
                    f"({_missing(signature, row)}): {reason_of(error)}"
                ) from error
    return kept


def _allows(signature: Signature, row: GoldenRow) -> bool:
    pairs = zip(signature.features, row, strict=True)
    return all(
        (feature.nullable or not feature.required)
        if value is None
        else feature.choices is None or feature.open or value in feature.choices
        for feature, value in pairs
    )


def _missing(signature: Signature, row: GoldenRow) -> str:
    names = [feature.name for feature, value in zip(signature.features, row, strict=True) if value is None]
    return f"without {', '.join(map(repr, names))}" if names else "complete"


def _scores(scorer: SklearnScorer, columns: Columns) -> bool:
    try:
        scorer.score(columns)
    except Exception:  # noqa: BLE001 - pipelines raise anything
        return False
    return True


def _slice(columns: Columns, first: int, last: int) -> Columns:
    return Columns(columns.numbers[first:last], columns.texts[first:last])
