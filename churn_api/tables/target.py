"""The target of a table: which of its labels mean churn, which mean staying, and which rows are dropped."""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.signature import Target
from churn_api.contract.text_values import BOOLEAN_WORDS
from churn_api.tables.cell_text import as_text, trimmed
from churn_api.tables.inference import require_column
from churn_api.tables.table_errors import TableError

MAX_LISTED = 20
"""Labels that an error lists. A column of more different values is hardly a target, and may hold personal data."""

_POSITIVE_LABELS = {yes for yes, _ in BOOLEAN_WORDS}
_REMEDY = "Group them with --positive A,B --negative C, and drop rows with --drop-label D"


def infer_target(
    table: pa.Table,
    name: str,
    positive: str | None = None,
    negative: str | None = None,
    dropped: Collection[str] = (),
) -> Target:
    """The target, with the labels that mean churn and staying; each may be several, separated by commas.

    Labels in `dropped` belong to neither. Raises TableError where a label belongs to neither or both, a named one does
    not occur, or `positive` and `negative` are None and neither label is obvious.
    """
    require_column(table, name)
    counts = label_counts(target_texts(table, name))
    _require_known(name, dropped, counts)
    counts = {label: count for label, count in counts.items() if label not in dropped}
    groups = [_group(name, labels, counts) for labels in (positive, negative)]
    named = len(groups[0]) + len(groups[1])
    if named == 0 or (named == 1 and len(counts) == 2):
        groups = _complete(name, groups, counts)
    _require_groups(name, groups, counts)
    return Target(name=name, positive=",".join(groups[0]), negative=",".join(groups[1]))


def target_texts(table: pa.Table, name: str) -> pa.ChunkedArray:
    """The target's cells as text, trimmed; null where blank."""
    texts = trimmed(as_text(table.column(name)))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def label_counts(texts: pa.ChunkedArray) -> dict[str, int]:
    """The rows of each label, the most frequent first."""
    counts = {entry["values"]: entry["counts"] for entry in texts.drop_null().value_counts().to_pylist()}
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def in_group(texts: pa.ChunkedArray, labels: str) -> pa.ChunkedArray:
    """Whether each text is the label, or one of several labels separated by commas."""
    return pc.is_in(texts, value_set=pa.array([labels, *_split(labels)]))


def listed(counts: Mapping[str, int]) -> str:
    """Labels with their rows, for an error; at most MAX_LISTED of them."""
    shown = [f"{label!r} ({count:,} rows)" for label, count in list(counts.items())[:MAX_LISTED]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _complete(name: str, groups: list[list[str]], counts: Mapping[str, int]) -> list[list[str]]:
    """Both groups of a target with two labels, of which at most one is named."""
    if len(counts) != 2:
        raise TableError(_not_two(name, counts))
    labels = sorted(counts)
    if groups[0]:
        positive = groups[0][0]
    elif groups[1]:
        positive = labels[labels[0] == groups[1][0]]
    else:
        positive = next((label for label in labels if label.lower() in _POSITIVE_LABELS), "")
    if not positive:
        raise TableError(f"target {name!r} is {listed(counts)}: say which one is churn with --positive")
    return [[positive], [labels[labels[0] == positive]]]


def _not_two(name: str, counts: Mapping[str, int]) -> str:
    if not counts:
        return f"target {name!r} is blank in every row"
    if len(counts) == 1:
        return f"target {name!r} has one class only, {next(iter(counts))!r}: there is nothing to learn"
    complaint = f"target {name!r} has {len(counts):,} different values; a churn target has two"
    return f"{complaint}. Is it the right column?" if len(counts) > MAX_LISTED else f"{complaint}: {_choose(counts)}"


def _choose(counts: Mapping[str, int]) -> str:
    return f"{listed(counts)}. {_REMEDY}"


def _group(name: str, labels: str | None, counts: Mapping[str, int]) -> list[str]:
    """The labels that an option names: the text itself where it is one, else its parts between commas."""
    if labels is None:
        return []
    group = [labels] if labels in counts else _split(labels)
    _require_known(name, group or [labels], counts)
    return group


def _split(labels: str) -> list[str]:
    return list(dict.fromkeys(filter(None, (label.strip() for label in labels.split(",")))))


def _require_known(name: str, labels: Collection[str], counts: Mapping[str, int]) -> None:
    for label in labels:
        if label not in counts:
            known = f": it is {listed(counts)}" if len(counts) <= MAX_LISTED else ""
            raise TableError(f"target {name!r} is never {label!r}{known}")


def _require_groups(name: str, groups: Sequence[Sequence[str]], counts: Mapping[str, int]) -> None:
    """Raise TableError unless each label is in exactly one group, and neither is empty."""
    positive, negative = groups
    for label in positive:
        if label in negative:
            raise TableError(f"target {name!r}: {label!r} is named by both --positive and --negative")
    rest = {label: count for label, count in counts.items() if label not in {*positive, *negative}}
    if rest:
        subject = listed(rest) if len(rest) <= MAX_LISTED else f"{len(rest):,} other values"
        raise TableError(
            f"target {name!r} has {subject} besides {', '.join(map(repr, [*positive, *negative]))}. {_REMEDY}"
        )
    for group, option in ((positive, "--positive"), (negative, "--negative")):
        if not group:
            raise TableError(f"target {name!r}: no label remains for {option}")
