"""Numbers that come as text: in an address, a form, a cell, a variable, on a command line."""

import re

_NUMERAL = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*")


def is_numeral(text: str) -> bool:
    """Whether a text is a number in plain digits.

    Python's own int() and float() take the digits of every script, underscores between them, and words as `nan`.
    """
    return _NUMERAL.fullmatch(text) is not None
