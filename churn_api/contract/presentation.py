"""How people read a feature: its label, its unit, the words of its reasons, and what the company can change."""

import math
import re
from collections.abc import Iterator, Mapping

import msgspec

MAX_WORDS = 256
"""Characters of a label, a unit, a group's name or a text of a reason."""
MAX_CHANGES = 40
"""Values and factors of all features of a signature: what a request tries grows with their square."""
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class ReasonTexts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reason says where the feature raises the probability, and where it lowers it; {value} is filled in."""

    raises: str
    lowers: str


class Actionable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the company can set a feature to: some values, or its present value times some factors."""

    values: tuple[str | bool | int | float, ...] = ()
    factors: tuple[float, ...] = ()


def words_complaints(words: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with texts that people read, by the attribute that holds them; an empty text is none."""
    for attribute, text in words.items():
        if len(text) > MAX_WORDS:
            yield f"{attribute} has at most {MAX_WORDS} characters"
        if CONTROL_CHARACTERS.search(text) or text != text.strip():
            yield f"{attribute} holds no control characters, and no spaces around it"


def texts_complaints(texts: ReasonTexts) -> Iterator[str]:
    """What is wrong with the texts of a reason."""
    yield from words_complaints({"texts.raises": texts.raises, "texts.lowers": texts.lowers})
    if not (texts.raises and texts.lowers):
        yield "texts has one text for raises and one for lowers"
    if any(re.search(r"[{}]", text.replace("{value}", "")) for text in (texts.raises, texts.lowers)):
        yield "a text of a reason has no braces but {value}"


def factors_complaints(actionable: Actionable, *, is_number: bool) -> Iterator[str]:
    """What is wrong with what a feature can be changed to, apart from its values."""
    if not (actionable.values or actionable.factors):
        yield "actionable needs values or factors"
    if actionable.factors and not is_number:
        yield "factors are for numbers"
    if not all(math.isfinite(factor) and factor >= 0 for factor in actionable.factors):
        yield "a factor is a finite number from 0"
