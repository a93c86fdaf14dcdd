"""Values as other systems' clients send them -> values of a JSON record, where nothing is lost.

A value that a JSON record may have stays as it is. One that cannot be converted stays as well: record.py explains it.
"""

import math
from collections.abc import Callable
from typing import Any

from churn_api.contract.plain_text import plain_text
from churn_api.contract.signature import Feature
from churn_api.contract.text_values import typed_value

MAX_TEXT = 256
"""Characters; a longer text is no number, date or boolean."""

Converter = Callable[[Any], Any]


def converter(feature: Feature) -> Converter:
    """A function from a value that a client sent for a feature to the value of a JSON record; None is missing."""
    from_text = _string_reader(feature) if feature.type == "string" else _text_reader(feature)
    from_number = _number_reader(feature)

    def convert(value: Any) -> Any:
        if isinstance(value, str):
            return from_text(value)
        if isinstance(value, float) and math.isnan(value):
            return None
        return from_number(value) if isinstance(value, int | float) else value

    return convert


def identifier_value(value: Any) -> Any:
    """An identifier as a JSON record may have it: the empty text and NaN are missing."""
    is_missing = value == "" or (isinstance(value, float) and math.isnan(value))
    return None if is_missing else value


def _text_reader(feature: Feature) -> Converter:
    """From texts to numbers, booleans and dates."""
    labels = frozenset(feature.labels or ())

    def read(text: str) -> Any:
        if text in labels or len(text) > MAX_TEXT:
            return text
        plain = plain_text(feature, text)
        return plain if plain is None or plain in labels else typed_value(feature.type, plain)

    return read


def _string_reader(feature: Feature) -> Converter:
    """From texts to the choices that they are, with white space around them or without."""
    choices = frozenset(feature.choices or ())
    closed = feature.choices is not None and not feature.open

    def read(text: str) -> Any:
        if text in choices or not text:
            return text or None
        plain = plain_text(feature, text)
        return plain if closed or plain in choices else text

    return read


def _number_reader(feature: Feature) -> Converter:
    """From numbers and booleans to a boolean, or to the choice whose text they are."""
    if feature.type == "boolean":
        return lambda value: bool(value) if value in (0, 1) else value
    choices = frozenset(feature.choices or ()) if feature.type == "string" else frozenset()
    return lambda value: next((text for text in _texts_of(value) if text in choices), value) if choices else value


def _texts_of(value: float) -> tuple[str, ...]:
    if isinstance(value, bool):
        return str(value).lower(), str(value)
    return (str(int(value)), str(value)) if isinstance(value, float) and value.is_integer() else (str(value),)
