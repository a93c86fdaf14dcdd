"""A table -> its signature: types from values, choices where they are few; columns without blanks are required."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.faults import did_you_mean
from churn_api.contract.signature import FLOAT32_MAX, Feature, FeatureType, Observed, Signature, Target
from churn_api.tables.cell_text import BOOLEAN_WORDS, INTEGER, NUMBER, as_text, trimmed
from churn_api.tables.table_errors import TableError

MAX_CHOICES = 50
DEFAULT_MAX_LENGTH = 256

_POSITIVE_LABELS = {yes for yes, _ in BOOLEAN_WORDS}


def infer_signature(
    table: pa.Table,
    target: Target,
    identifier: str | None,
    *,
    leave_out: Collection[str] = (),
    opened: Collection[str] = (),
) -> Signature:
    """The signature of a table's columns, except the target, the identifier and `leave_out`.

    `opened` names the features that accept out-of-vocabulary categories. Raises TableError for a name that the table
    lacks, and SignatureError where no features remain.
    """
    for name in [*leave_out, *opened, *([identifier] if identifier else [])]:
        require_column(table, name)
    excluded = {target.name, identifier, *leave_out}
    features = tuple(
        infer_feature(name, table.column(name), accept_unseen=name in opened)
        for name in table.column_names
        if name not in excluded
    )
    return Signature(features=features, target=target, identifier=identifier)


def infer_feature(name: str, column: pa.ChunkedArray, *, accept_unseen: bool = False) -> Feature:
    """One feature from a column. Raises TableError where `accept_unseen` is set for a column without categories."""
    kind = infer_type(column)
    never_blank = column.null_count == 0
    if accept_unseen and kind != "string":
        raise TableError(f"column {name!r} cannot be opened: it holds no categories")
    choices = _choices(column) if kind == "string" else None
    return Feature(
        name=name,
        type=kind,
        required=never_blank,
        nullable=not never_blank,
        choices=choices,
        unseen="accept" if accept_unseen and choices is not None else "refuse",
        max_length=max(DEFAULT_MAX_LENGTH, _longest(column)) if kind == "string" else DEFAULT_MAX_LENGTH,
        observed=_observed(column) if kind in ("integer", "number") else None,
    )


def infer_type(column: pa.ChunkedArray) -> FeatureType:
    """The type of a column: Yes/No, true/false and 0/1 are booleans; digits with leading zeros are text."""
    if pa.types.is_boolean(column.type):
        return "boolean"
    if pa.types.is_floating(column.type):
        return "number"
    cells = trimmed(as_text(column).drop_null())
    if len(cells) == 0:
        return "string"
    if _is_boolean(cells):
        return "boolean"
    if pc.all(pc.match_substring_regex(cells, INTEGER)).as_py():
        return "integer"
    return "number" if pc.all(pc.match_substring_regex(cells, NUMBER)).as_py() else "string"


def infer_target(table: pa.Table, name: str, positive: str | None = None) -> Target:
    """The target, with the label that means churn.

    Raises TableError where the column does not have two labels, or `positive` is None and neither label is obvious.
    """
    require_column(table, name)
    labels = sorted(filter(None, trimmed(as_text(table.column(name)).drop_null()).unique().to_pylist()))
    if len(labels) != 2:
        raise TableError(_not_two(name, labels))
    if positive is None:
        positive = next((label for label in labels if label.lower() in _POSITIVE_LABELS), None)
        if positive is None:
            raise TableError(
                f"target {name!r} is {labels[0]!r} or {labels[1]!r}: say which one is churn with --positive"
            )
    if positive not in labels:
        raise TableError(f"target {name!r} is never {positive!r}: it is {labels[0]!r} or {labels[1]!r}")
    return Target(name=name, positive=positive, negative=labels[labels[0] == positive])


def require_column(table: pa.Table, name: str) -> None:
    """Raise TableError, with the most similar name, where the table has no such column."""
    if name not in table.column_names:
        hint = did_you_mean(name, table.column_names) or f"It has {', '.join(map(repr, table.column_names[:30]))}."
        raise TableError(f"the table has no column {name!r}. {hint}")


def _not_two(name: str, labels: list[str]) -> str:
    if not labels:
        return f"target {name!r} is blank in every row"
    if len(labels) == 1:
        return f"target {name!r} has one class only, {labels[0]!r}: there is nothing to learn"
    return f"target {name!r} has {len(labels)} different values; a churn target has two"


def _is_boolean(cells: pa.ChunkedArray) -> bool:
    """Whether the cells are a pair of words for true and false, and both occur."""
    words = set(pc.utf8_lower(cells).unique().to_pylist())
    return any(words == set(pair) for pair in BOOLEAN_WORDS)


def _choices(column: pa.ChunkedArray) -> tuple[str, ...] | None:
    values = as_text(column).drop_null().unique()
    return tuple(sorted(values.to_pylist())) if 0 < len(values) <= MAX_CHOICES else None


def _longest(column: pa.ChunkedArray) -> int:
    return pc.max(pc.utf8_length(as_text(column))).as_py() or 0


def _observed(column: pa.ChunkedArray) -> Observed | None:
    cells = trimmed(column).cast(pa.float64()) if pa.types.is_string(column.type) else column.cast(pa.float64())
    seen = pc.min_max(cells).as_py()
    if seen["max"] > FLOAT32_MAX or seen["min"] < -FLOAT32_MAX:
        raise TableError("a number is beyond what 32 bits hold")
    return Observed(minimum=seen["min"], maximum=seen["max"])
