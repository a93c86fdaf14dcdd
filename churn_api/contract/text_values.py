"""How texts write the values of features: numbers, booleans, dates and blanks."""

import re

BOOLEAN_WORDS = (
    ("yes", "no"),
    ("true", "false"),
    ("1", "0"),
    ("y", "n"),
    ("t", "f"),
    ("true.", "false."),
    ("1.0", "0.0"),
)
"""Words for true and false in tables, case-insensitive."""
TRUTH_OF_WORD = {word: truth for pair in BOOLEAN_WORDS for word, truth in zip(pair, (True, False), strict=True)}
INTEGER = r"^[-+]?(0|[1-9][0-9]{0,14})$"
NUMBER = r"^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"
WHITESPACE = " \t\r\n\v\f\u00a0"

_NUMBER = re.compile(NUMBER)


def typed_value(kind: str, text: str) -> float | bool | str:
    """What a text in plain notation means for a feature of type `kind`, other than string; the text where nothing."""
    if kind == "date":
        return text
    if kind == "boolean":
        return TRUTH_OF_WORD.get(text.lower(), text)
    return float(text) if _NUMBER.fullmatch(text) else text
