"""Cells of a table -> a feature's values, judged a column at a time, and texts once however often they stand there.

What is found good here is a strict subset of what record.py accepts, and has the same values; what is not, it judges.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn_api.contract.fields import EXACT_INTEGERS
from churn_api.contract.record_schema import value_range
from churn_api.contract.signature import Feature
from churn_api.tables.cell_text import BOOLEAN_WORDS, NUMBER, WHITESPACE, as_text
from churn_api.tables.table_errors import TableError

_NUMBER = re.compile(NUMBER)
_TRUE_AND_FALSE = {word: truth for pair in BOOLEAN_WORDS for word, truth in zip(pair, (True, False), strict=True)}
_WORDS = pa.array(list(_TRUE_AND_FALSE))
_TRUTHS = np.array([*_TRUE_AND_FALSE.values(), np.nan], np.float64)


class ValidatedColumn(NamedTuple):
    """The n cells of one feature, each shape (n,)."""

    values: NDArray[Any]
    """Numbers, NaN for missing; or Python strings, the empty one for missing. Anything where not good."""
    good: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    """Where an open feature holds a category that training did not see."""

    def take(self, places: NDArray[np.int64]) -> "ValidatedColumn":
        """The cells at these places, in that order."""
        return ValidatedColumn(self.values.take(places), self.good.take(places), self.unseen.take(places))


def plain(name: str, column: pa.ChunkedArray) -> pa.Array:
    """A column that `read_cells` returned as text, integers, float64 or booleans; NaN is null. Codes of text stay so.

    Raises TableError where a date's time zone is not known.
    """
    if pa.types.is_dictionary(column.type):
        return column.unify_dictionaries().combine_chunks()
    cells = column.combine_chunks()
    kind = cells.type
    if pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return cells
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = cells.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    try:
        return cells.cast(pa.string())
    except pa.ArrowException as error:
        family = str(kind).partition("[")[0]  # what follows is the file's own: a time zone may be any text
        raise TableError(f"column {name!r} holds {family}, which cannot be read as text") from error


def plain_feature(feature: Feature, column: pa.ChunkedArray) -> pa.Array:
    """A feature's column as `plain` has it; one of strings as text always. Raises TableError."""
    cells = plain(feature.name, column)
    if feature.numeric or _is_text(cells):
        return cells
    encoded = cells.dictionary_encode()
    return as_text(encoded.dictionary).take(encoded.indices)


def judge(feature: Feature, cells: pa.Array) -> ValidatedColumn:
    """What the cells that `plain_feature` returned are worth."""
    if not _is_text(cells):
        return _judge_numbers(feature, cells)
    codes, texts = _encoded(cells)
    return _judge_texts(feature, texts).take(codes)


def value_of(feature: Feature) -> Callable[[Any], Any]:
    """What makes of a feature's cell, one that `plain_feature` returned, what would stand in a JSON record."""
    choices = frozenset(feature.choices or ())

    def value(cell: Any) -> Any:
        if not isinstance(cell, str):
            return bool(cell) if feature.type == "boolean" and cell in (0, 1) else cell
        text = cell.strip(WHITESPACE)
        if feature.type == "string":
            return cell if cell in choices else text
        if feature.type == "boolean":
            return _TRUE_AND_FALSE.get(text.lower(), text)
        return float(text) if _NUMBER.fullmatch(text) else text

    return value


def is_missing(cell: Any) -> bool:
    """Whether a cell that `plain` returned holds nothing, or white space alone."""
    return cell is None or (isinstance(cell, str) and not cell.strip(WHITESPACE))


def _is_text(cells: pa.Array) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_dictionary(cells.type))


def _encoded(cells: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Each cell's place among the distinct texts, the last of which is null."""
    encoded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    texts = pa.concat_arrays([encoded.dictionary, pa.nulls(1, pa.string())])
    return pc.fill_null(encoded.indices.cast(pa.int64()), len(texts) - 1).to_numpy(), texts


def _judge_texts(feature: Feature, texts: pa.Array) -> ValidatedColumn:
    trimmed = pc.utf8_trim(texts, characters=WHITESPACE)
    missing = _mask(pc.equal(trimmed, ""), null=True)
    if feature.type == "string":
        return _judge_strings(feature, texts, trimmed, missing)
    numbers = _truths(trimmed) if feature.type == "boolean" else _numbers(trimmed)
    return _judged(feature, numbers, missing, _fits(feature, numbers))


def _judge_strings(feature: Feature, texts: pa.Array, trimmed: pa.Array, missing: NDArray[np.bool_]) -> ValidatedColumn:
    choices = pa.array(feature.choices or (), pa.string())
    # Training takes its choices as they stand, blanks around them too.
    chosen = pc.if_else(pc.is_in(texts, value_set=choices), texts, trimmed)
    known = _mask(pc.is_in(chosen, value_set=choices))
    short = _mask(pc.less_equal(pc.utf8_length(chosen), feature.max_length))
    values = chosen.to_numpy(zero_copy_only=False)
    values[missing] = ""
    closed = feature.choices is not None and not feature.open
    return _judged(feature, values, missing, known if closed else short, known)


def _judge_numbers(feature: Feature, cells: pa.Array) -> ValidatedColumn:
    numbers = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    fits = _fits(feature, numbers)
    if pa.types.is_boolean(cells.type):
        fits &= feature.type == "boolean"
    elif pa.types.is_integer(cells.type):
        fits &= np.abs(numbers) <= EXACT_INTEGERS[1]
    return _judged(feature, numbers, np.isnan(numbers), fits)


def _judged(
    feature: Feature,
    values: NDArray[Any],
    missing: NDArray[np.bool_],
    fits: NDArray[np.bool_],
    known: NDArray[np.bool_] | None = None,
) -> ValidatedColumn:
    good = fits & ~missing if feature.required else fits | missing
    if not feature.open:
        return ValidatedColumn(values, good, np.zeros_like(good))
    known = _among(values, feature) if known is None else known
    return ValidatedColumn(values, good, ~(known | missing))


def _truths(trimmed: pa.Array) -> NDArray[np.float64]:
    places = pc.index_in(pc.utf8_lower(trimmed), value_set=_WORDS)
    truths: NDArray[np.float64] = _TRUTHS[pc.fill_null(places, len(_WORDS)).to_numpy()]
    return truths


def _numbers(trimmed: pa.Array) -> NDArray[np.float64]:
    written = pc.if_else(pc.match_substring_regex(trimmed, NUMBER), trimmed, pa.scalar(None, pa.string()))
    numbers: NDArray[np.float64] = written.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _fits(feature: Feature, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where numbers are valid; NaN is not."""
    if feature.type == "boolean":
        return np.isin(numbers, (0, 1))
    low, high = value_range(feature)
    fits = (numbers >= low) & (numbers <= high)
    if feature.type == "integer":
        fits &= numbers == np.trunc(numbers)
    if feature.choices is not None and not feature.open:
        fits &= _among(numbers, feature)
    return fits


def _among(numbers: NDArray[np.float64], feature: Feature) -> NDArray[np.bool_]:
    """Where numbers are choices; one that float64 cannot hold is left to record.py."""
    known: NDArray[np.bool_] = np.isin(numbers, [choice for choice in feature.choices or () if float(choice) == choice])
    return known


def _mask(found: pa.Array, *, null: bool = False) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = pc.fill_null(found, null).to_numpy(zero_copy_only=False)
    return mask
