"""A table -> its signature: types from values, choices where they are few; columns without blanks are required."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from operator import itemgetter
from statistics import median

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.dates import days_before, parse_iso
from churn_api.contract.faults import did_you_mean
from churn_api.contract.feature_attributes import FLOAT32_MAX, FeatureType, Label, Observed
from churn_api.contract.notation import Notation
from churn_api.contract.signature import Feature, Signature, Target
from churn_api.contract.text_values import BOOLEAN_WORDS, INTEGER, NUMBER, TRUTH_OF_WORD
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.table_errors import TableError

MAX_CHOICES = 50
DEFAULT_MAX_LENGTH = 256

_PATTERNS: tuple[tuple[str, FeatureType], ...] = ((INTEGER, "integer"), (NUMBER, "number"))
_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def infer_signature(
    table: pa.Table,
    target: Target,
    identifier: str | None,
    *,
    leave_out: Collection[str] = (),
    opened: Collection[str] = (),
    notations: Mapping[str, Notation] | None = None,
    text: Collection[str] = (),
    as_of: date | None = None,
) -> Signature:
    """The signature of a table's columns, except the target, the identifier and `leave_out`.

    The table is in plain notation, and `notations` has the one that it was written in, by column. `opened` names the
    features that accept out-of-vocabulary categories, `text` the columns to read as text. Models count dates back from
    `as_of`, by default the latest date in the table. Raises TableError for a name that the table
    lacks, and SignatureError where no features remain.
    """
    for name in [*leave_out, *opened, *text, *([identifier] if identifier else [])]:
        require_column(table, name)
    names = [name for name in table.column_names if name not in {target.name, identifier, *leave_out}]
    types = {name: "string" if name in text else infer_type(table.column(name)) for name in names}
    latest = None if as_of else _latest(table, [name for name in names if types[name] == "date"])
    reference = latest.date() if latest else as_of
    features = tuple(
        infer_feature(name, table.column(name), types[name], reference=reference, accept_unseen=name in opened)
        for name in names
    )
    written = notations or {}
    features = tuple(msgspec.structs.replace(feature, notation=written.get(feature.name)) for feature in features)
    return Signature(features=features, target=target, identifier=identifier)


def infer_feature(
    name: str,
    column: pa.ChunkedArray,
    kind: FeatureType | None = None,
    *,
    reference: date | None = None,
    accept_unseen: bool = False,
) -> Feature:
    """One feature from a column in plain notation; a date needs a `reference`.

    Raises TableError where `accept_unseen` is set for a column without categories.
    """
    kind = kind or infer_type(column)
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
        labels=_labels(column) if kind == "boolean" else None,
        reference=str(reference) if kind == "date" else None,
        observed=_observed(column, kind, reference),
    )


def infer_type(column: pa.ChunkedArray) -> FeatureType:
    """The type of a column in plain notation: Yes/No, true/false and 0/1 are booleans; leading zeros make a text."""
    if pa.types.is_boolean(column.type):
        return "boolean"
    if pa.types.is_floating(column.type):
        return "number"
    cells = trimmed(as_text(column).drop_null())
    return _type_of_texts(cells) if len(cells) else "string"


def _type_of_texts(cells: pa.ChunkedArray) -> FeatureType:
    if _is_boolean(cells):
        return "boolean"
    for pattern, kind in _PATTERNS:
        if pc.all(pc.match_substring_regex(cells, pattern)).as_py():
            return kind
    return "date" if _are_dates(cells) else "string"


def require_column(table: pa.Table, name: str) -> None:
    """Raise TableError, with the most similar name, where the table has no such column."""
    if name not in table.column_names:
        hint = did_you_mean(name, table.column_names) or f"It has {', '.join(map(repr, table.column_names[:30]))}."
        raise TableError(f"the table has no column {name!r}. {hint}")


def _is_boolean(cells: pa.ChunkedArray) -> bool:
    """Whether the cells are a pair of words for true and false, and both occur."""
    words = set(pc.utf8_lower(cells).unique().to_pylist())
    return any(words == set(pair) for pair in BOOLEAN_WORDS)


def _choices(column: pa.ChunkedArray) -> tuple[str, ...] | None:
    values = as_text(column).drop_null().unique()
    return tuple(sorted(values.to_pylist())) if 0 < len(values) <= MAX_CHOICES else None


def _longest(column: pa.ChunkedArray) -> int:
    return pc.max(pc.utf8_length(as_text(column))).as_py() or 0


def _are_dates(cells: pa.ChunkedArray) -> bool:
    if not pc.all(pc.match_substring_regex(cells, _ISO_DATE)).as_py():
        return False
    return all(map(parse_iso, cells.unique().to_pylist()))


def _latest(table: pa.Table, names: list[str]) -> datetime | None:
    """The latest instant in some columns of dates; None where there are none."""
    texts = (text for name in names for text in trimmed(table.column(name).drop_null()).unique().to_pylist())
    return max((instant for instant in map(parse_iso, texts) if instant), default=None)


def _labels(column: pa.ChunkedArray) -> tuple[Label, Label] | None:
    """How a boolean column writes true and false, in its most frequent spelling; None where it holds booleans."""
    if pa.types.is_boolean(column.type):
        return None
    counts = trimmed(as_text(column).drop_null()).value_counts().to_pylist()
    words: dict[bool, str] = {}
    for entry in sorted(counts, key=itemgetter("counts"), reverse=True):
        words.setdefault(TRUTH_OF_WORD[entry["values"].lower()], entry["values"])
    if words[True].lower().rstrip(".") == "true":
        return None
    return (1, 0) if words[True] in ("1", "1.0") else (words[True], words[False])


def _observed(column: pa.ChunkedArray, kind: FeatureType, reference: date | None) -> Observed | None:
    if kind == "date" and reference is not None:
        instants = map(parse_iso, trimmed(column.drop_null()).to_pylist())
        days = [days_before(instant, reference) for instant in instants if instant]
        return Observed(minimum=min(days), maximum=max(days), median=median(days))
    if kind not in ("integer", "number"):
        return None
    cells = trimmed(column) if pa.types.is_string(column.type) else column
    numbers = cells.cast(pa.float64(), safe=False)
    seen = pc.min_max(numbers).as_py()
    if seen["max"] > FLOAT32_MAX or seen["min"] < -FLOAT32_MAX:
        return None  # validation refuses the row
    return Observed(minimum=seen["min"], maximum=seen["max"], median=pc.quantile(numbers, 0.5)[0].as_py())
