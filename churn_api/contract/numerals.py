"""Numbers given as text: in a URL, a form, a cell, an environment variable or a command line."""

import re

_NUMERAL = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*")


def is_numeral(text: str) -> bool:
    """Whether a text is a number in ASCII digits.

    Python's int() and float() also accept digits of other scripts, underscores, and words such as `nan`.
    """
    return _NUMERAL.fullmatch(text) is not None
