"""Validates a feature's cells a column at a time; each distinct text is validated once.

It accepts a strict subset of what record.py accepts, with the same values; record.py validates the other rows.
"""

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn_api.contract.dates import days_before, parse_iso
from churn_api.contract.fields import EXACT_INTEGERS
from churn_api.contract.record_schema import value_range
from churn_api.contract.signature import Feature
from churn_api.contract.text_values import NUMBER, TRUTH_OF_WORD, WHITESPACE
from churn_api.tables.cell_values import is_text

_WORDS = pa.array(list(TRUTH_OF_WORD))
_TRUTHS = np.array([*TRUTH_OF_WORD.values(), np.nan], np.float64)


class ValidatedColumn(NamedTuple):
    """The n cells of one feature after validation; each array has shape (n,)."""

    values: NDArray[Any]
    """Numbers, NaN for missing; or Python strings, empty for missing. Undefined where not good."""
    good: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    """Where an open feature has an out-of-vocabulary category."""

    def take(self, positions: NDArray[np.int64]) -> "ValidatedColumn":
        """The cells at these positions, in the given order."""
        return ValidatedColumn(self.values.take(positions), self.good.take(positions), self.unseen.take(positions))


def validate_column(feature: Feature, cells: pa.Array) -> ValidatedColumn:
    """Validate the cells that `plain_feature_column` returned."""
    if not is_text(cells):
        return _validate_numbers(feature, cells)
    codes, texts = _encoded(cells)
    return _validate_texts(feature, texts).take(codes)


def _encoded(cells: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Each cell's index among the distinct texts, shape (n,), and these texts; the last one is null."""
    encoded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    texts = pa.concat_arrays([encoded.dictionary, pa.nulls(1, pa.string())])
    return pc.fill_null(encoded.indices.cast(pa.int64()), len(texts) - 1).to_numpy(), texts


def _validate_texts(feature: Feature, texts: pa.Array) -> ValidatedColumn:
    trimmed = pc.utf8_trim(texts, characters=WHITESPACE)
    missing = _mask(pc.equal(trimmed, ""), null=True)
    if feature.type == "string":
        return _validate_strings(feature, texts, trimmed, missing)
    numbers = _values(feature, trimmed)
    return _validated(feature, numbers, missing, _fits(feature, numbers))


def _validate_strings(
    feature: Feature, texts: pa.Array, trimmed: pa.Array, missing: NDArray[np.bool_]
) -> ValidatedColumn:
    choices = pa.array(feature.choices or (), pa.string())
    # Training keeps choices unchanged, with any white space around them.
    chosen = pc.if_else(pc.is_in(texts, value_set=choices), texts, trimmed)
    known = _mask(pc.is_in(chosen, value_set=choices))
    short = _mask(pc.less_equal(pc.utf8_length(chosen), feature.max_length))
    values = chosen.to_numpy(zero_copy_only=False)
    values[missing] = ""
    closed = feature.choices is not None and not feature.open
    return _validated(feature, values, missing, known if closed else short, known)


def _validate_numbers(feature: Feature, cells: pa.Array) -> ValidatedColumn:
    numbers = cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    fits = _fits(feature, numbers)
    if feature.type == "date":
        fits = np.zeros_like(fits)
    elif pa.types.is_boolean(cells.type):
        fits &= feature.type == "boolean"
    elif pa.types.is_integer(cells.type):
        fits &= np.abs(numbers) <= EXACT_INTEGERS[1]
    return _validated(feature, numbers, np.isnan(numbers), fits)


def _validated(
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


def _values(feature: Feature, trimmed: pa.Array) -> NDArray[np.float64]:
    """The numbers that texts stand for; NaN where a text stands for none."""
    if feature.type == "boolean":
        return _truths(feature, trimmed)
    return _numbers(trimmed) if feature.reference is None else _days(trimmed, date.fromisoformat(feature.reference))


def _days(trimmed: pa.Array, reference: date) -> NDArray[np.float64]:
    instants = (parse_iso(text or "") for text in trimmed.to_pylist())
    return np.array([np.nan if instant is None else days_before(instant, reference) for instant in instants])


def _truths(feature: Feature, trimmed: pa.Array) -> NDArray[np.float64]:
    indices = pc.index_in(pc.utf8_lower(trimmed), value_set=_WORDS)
    truths: NDArray[np.float64] = _TRUTHS[pc.fill_null(indices, len(_WORDS)).to_numpy()]
    for label, truth in zip(map(str, feature.labels or ()), (1.0, 0.0), strict=False):
        truths[_mask(pc.equal(trimmed, label))] = truth
    return truths


def _numbers(trimmed: pa.Array) -> NDArray[np.float64]:
    numerals = pc.if_else(pc.match_substring_regex(trimmed, NUMBER), trimmed, pa.scalar(None, pa.string()))
    numbers: NDArray[np.float64] = numerals.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _fits(feature: Feature, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where numbers are valid; NaN is not."""
    if feature.type == "boolean":
        return np.isin(numbers, (0, 1))
    if feature.type == "date":
        return ~np.isnan(numbers)
    low, high = value_range(feature)
    fits = (numbers >= low) & (numbers <= high)
    if feature.type == "integer":
        fits &= numbers == np.trunc(numbers)
    if feature.choices is not None and not feature.open:
        fits &= _among(numbers, feature)
    return fits


def _among(numbers: NDArray[np.float64], feature: Feature) -> NDArray[np.bool_]:
    """Where numbers are choices; choices that float64 cannot represent are left to record.py."""
    known: NDArray[np.bool_] = np.isin(numbers, [choice for choice in feature.choices or () if float(choice) == choice])
    return known


def _mask(condition: pa.Array, *, null: bool = False) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = pc.fill_null(condition, null).to_numpy(zero_copy_only=False)
    return mask
