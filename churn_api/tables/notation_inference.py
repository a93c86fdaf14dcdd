"""A table of text -> how each column is written: missing markers, units, separators, formats of dates."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.dates import parse_iso
from churn_api.contract.notation import Notation, number_pattern
from churn_api.contract.remark import Remark, counted
from churn_api.contract.text_values import BOOLEAN_WORDS, INTEGER, NUMBER
from churn_api.tables.cell_text import trimmed
from churn_api.tables.plain_cells import plain_texts, without_unit

MISSING_MARKERS = (
    *("na", "n/a", "n.a.", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "not available", "undefined"),
    *("?", "-", "--", ".", "..", "...", "*", "\\n", "<na>", "(null)", "(blank)"),
)
"""Texts that mean a missing value among numbers, dates or booleans. Among categories they may be a category."""

UNITS = ("%", "$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "JPY", "INR", "Rs.", "Rs", "kr", "zł")
_SEPARATORS: tuple[tuple[Literal[".", ","], Literal["", ",", ".", " ", "'"]], ...] = (
    (".", ""),
    (".", ","),
    (",", ""),
    (",", "."),
    (".", " "),
    (",", " "),
    (".", "'"),
)
"""Decimal mark and thousands separator, in the order in which they are tried."""

_DAYS = ("%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y")
_MORE_DAYS = ("%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
DATE_FORMATS = tuple(day + time for day in (*_DAYS, *_MORE_DAYS) for time in _TIMES)
_MAY_BE_DATE = r"^[0-9A-Za-z]{1,9}[-./ ][0-9A-Za-z]{1,9},?[-./ ][0-9]{2,4}"


class NotationOptions(NamedTuple):
    """What the user says about a table's notation."""

    missing: tuple[str, ...] = ()
    """Further markers of missing values, in every column."""
    decimal: str | None = None
    date_format: str | None = None
    text: tuple[str, ...] = ()
    """Columns to read as text, exactly as they are."""


class NotatedTable(NamedTuple):
    """A table in plain notation, and the notation that it was written in."""

    plain: pa.Table
    notations: dict[str, Notation]
    remarks: list[Remark]
    ambiguous_dates: dict[str, tuple[str, ...]]
    """By column, the formats that all read it, each as other dates. Such a column stays text."""


class _Column(NamedTuple):
    notation: Notation | None = None
    kind: Literal["number", "date", "boolean", "text"] = "text"
    date_formats: tuple[str, ...] = ()


def infer_notations(table: pa.Table, options: NotationOptions) -> NotatedTable:
    """Find out how the text columns of a table from `read_table` are written, and rewrite them in plain notation."""
    notations: dict[str, Notation] = {}
    remarks: list[Remark] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    for index, name in enumerate(table.column_names):
        if not pa.types.is_string(table.schema.field(name).type) or name in options.text:
            continue
        encoded = table.column(name).combine_chunks().dictionary_encode()
        texts = trimmed(encoded.dictionary)
        column = _infer(texts, options)
        if len(column.date_formats) > 1:
            ambiguous[name] = column.date_formats
        if column.notation is None:
            if column.kind == "text" and pc.count_distinct(texts).as_py() < len(texts):
                seen = "has texts that differ by the spaces around them"
                remarks.append(Remark(column=name, seen=seen, done="read as one", option=f"--text {name!r}"))
                table = table.set_column(index, name, pa.chunked_array([texts.take(encoded.indices)]))
            continue
        notations[name] = column.notation
        remarks += _remarks(name, encoded, texts, column)
        plain = plain_texts(texts, column.notation, column.kind)
        table = table.set_column(index, name, pa.chunked_array([plain.take(encoded.indices)]))
    return NotatedTable(table, notations, remarks, ambiguous)


def _infer(texts: pa.Array, options: NotationOptions) -> _Column:
    """The notation of distinct texts, without white space around; None where it is the plain one."""
    lower = pc.utf8_lower(texts)
    given = pa.array([marker.strip().lower() for marker in options.missing], pa.string())
    wanted = pc.is_in(lower, value_set=given)
    marked = pc.or_(wanted, pc.is_in(lower, value_set=pa.array(MISSING_MARKERS)))
    values = texts.filter(pc.invert(pc.or_(marked, pc.equal(texts, ""))))
    column = _infer_values(values, options) if len(values) else _Column()
    markers = lower.filter(wanted if column.kind == "text" else marked)
    if len(markers) == 0:
        return column
    notation = column.notation or Notation()
    return column._replace(notation=msgspec.structs.replace(notation, missing=tuple(sorted(set(markers.to_pylist())))))


def _infer_values(values: pa.Array, options: NotationOptions) -> _Column:
    if options.date_format and _reads(options.date_format, values.to_pylist()):
        return _Column(Notation(date_format=options.date_format), "date", (options.date_format,))
    if len(values) <= max(map(len, BOOLEAN_WORDS)) and _are_booleans(values):
        return _Column(kind="boolean")
    if _all(values, INTEGER) or (options.decimal != "," and _all(values, NUMBER)):
        return _Column(kind="number")
    number = _number_notation(values, options.decimal)
    if number is not None:
        return _Column(number, "number")
    return _infer_dates(values)


def _are_booleans(values: pa.Array) -> bool:
    words = set(pc.utf8_lower(values).to_pylist())
    return any(words == set(pair) for pair in BOOLEAN_WORDS)


def _number_notation(values: pa.Array, wanted_decimal: str | None) -> Notation | None:
    unit = next((unit for unit in UNITS if pc.any(_has_unit(values, unit)).as_py()), "")
    bare = without_unit(values, unit) if unit else values
    for decimal, thousands in _SEPARATORS:
        notation = Notation(decimal=decimal, thousands=thousands, unit=unit)
        if wanted_decimal in (None, decimal) and _all(bare, number_pattern(notation)):
            return notation
    return None


def _has_unit(values: pa.Array, unit: str) -> pa.Array:
    return pc.not_equal(without_unit(values, unit), values)


def _infer_dates(values: pa.Array) -> _Column:
    if not _all(values, _MAY_BE_DATE):
        return _Column()
    texts = values.to_pylist()
    if all(map(parse_iso, texts)):
        return _Column(kind="date")
    formats = tuple(one for one in DATE_FORMATS if _reads(one, texts))
    if len(formats) == 1:
        return _Column(Notation(date_format=formats[0]), "date", formats)
    return _Column(date_formats=formats)


def _reads(date_format: str, texts: Iterable[str]) -> bool:
    """Whether a format reads all texts. A wrong one fails at the first text, as a rule."""
    try:
        for text in texts:
            datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True


def _all(values: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _remarks(name: str, encoded: pa.Array, texts: pa.Array, column: _Column) -> Iterator[Remark]:
    notation = column.notation or Notation()
    as_text = f"--text {name!r}"
    if notation.missing:
        yield Remark(
            column=name,
            seen=f"has {_markers(encoded, texts, notation.missing)}",
            done="read as missing",
            option=None if column.kind == "text" else f"{as_text} keeps it, --missing TEXT names others",
        )
    if notation.unit:
        yield Remark(
            column=name, seen=f"has numbers with {notation.unit}", done="read without the unit", option=as_text
        )
    if notation.thousands:
        seen = f"has {notation.thousands!r} between thousands, as in 1{notation.thousands}234"
        yield Remark(column=name, seen=seen, done="read as one number", option=f"--decimal {notation.thousands!r}")
    if notation.decimal == ",":
        yield Remark(column=name, seen="has decimal commas", done="read as numbers", option="--decimal .")
    if notation.date_format:
        seen = f"has dates written as {notation.date_format}"
        yield Remark(column=name, seen=seen, done="read as dates", option="--date-format FORMAT")


def _markers(encoded: pa.Array, texts: pa.Array, missing: Sequence[str]) -> str:
    """The markers of a column with the number of cells of each, as a text."""
    counts: dict[str, int] = {}
    for pair in encoded.value_counts().to_pylist():
        text = re.sub(r"^\s+|\s+$", "", pair["values"] or "")
        if text.lower() in missing:
            counts[text] = counts.get(text, 0) + pair["counts"]
    return ", ".join(f"{text!r} in {counted(count, 'cell')}" for text, count in sorted(counts.items())[:5])
