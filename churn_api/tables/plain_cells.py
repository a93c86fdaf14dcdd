"""Cells as a table writes them -> cells in plain notation: 1230.5 for $1,230.50, 2026-01-31 for 31.01.2026.

A cell that does not fit its column's notation stays a text that no number or date is written as, so that validation
reports a fault of its row.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.contract.notation import Notation, number_pattern, writes_numbers
from churn_api.contract.plain_text import MISFIT, plain_date
from churn_api.contract.signature import Feature
from churn_api.contract.text_values import NUMBER, WHITESPACE


def to_plain(feature: Feature, cells: pa.Array, *, typed: bool) -> pa.Array:
    """The text cells of a feature in plain notation; missing ones are null.

    `typed` cells come from a format with types, where a text may be a number that stood among texts: in plain notation.
    """
    notation = feature.notation
    if notation is None:
        return cells
    if not pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_encode()
    kind = "date" if feature.type == "date" else "number" if feature.numeric else "text"
    texts = plain_texts(cells.dictionary, notation, kind, typed=typed)
    # A dictionary must not hold null, so the cells are looked up.
    return texts.take(cells.indices)


def plain_texts(texts: pa.Array, notation: Notation, kind: str, *, typed: bool = False) -> pa.Array:
    """Distinct texts in plain notation; `kind` is number, date or another."""
    trimmed = pc.utf8_trim(texts, characters=WHITESPACE)
    if notation.missing:
        marked = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(notation.missing, pa.string()))
        texts, trimmed = (pc.if_else(marked, pa.scalar(None, pa.string()), cells) for cells in (texts, trimmed))
    if kind == "date":
        return _plain_dates(trimmed, notation.date_format) if notation.date_format else texts
    return _plain_numbers(trimmed, notation, typed) if kind == "number" and writes_numbers(notation) else texts


def without_unit(trimmed: pa.Array, unit: str) -> pa.Array:
    """Texts without the unit before or after their number; a sign may stand before the unit."""
    escaped = re.escape(unit)
    leading = pc.replace_substring_regex(trimmed, f"^([-+]?)\\s*{escaped}\\s*", r"\1")
    return pc.replace_substring_regex(leading, f"\\s*{escaped}$", "")


def _plain_numbers(trimmed: pa.Array, notation: Notation, typed: bool) -> pa.Array:
    bare = without_unit(trimmed, notation.unit) if notation.unit else trimmed
    fits = pc.match_substring_regex(bare, number_pattern(notation))
    digits = pc.replace_substring(bare, notation.thousands, "") if notation.thousands else bare
    plain = pc.replace_substring(digits, notation.decimal, ".") if notation.decimal != "." else digits
    misfit = pc.binary_join_element_wise(MISFIT, trimmed, "")
    if not typed:
        return pc.if_else(fits, plain, misfit)
    is_plain = pc.match_substring_regex(trimmed, NUMBER)
    # 1.234 may be a number of the file's, or a thousand and more in the notation: that is not guessed.
    ambiguous = pc.and_(pc.and_(fits, is_plain), pc.not_equal(plain, trimmed))
    return pc.if_else(ambiguous, misfit, pc.if_else(fits, plain, pc.if_else(is_plain, trimmed, misfit)))


def _plain_dates(trimmed: pa.Array, date_format: str) -> pa.Array:
    return pa.array([plain_date(text, date_format) if text else None for text in trimmed.to_pylist()], pa.string())
