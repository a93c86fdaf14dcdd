"""What single cells look like, for code that must not load pyarrow."""

import re

# Possessive quantifiers: clients send cells of any length, and a pattern that backtracks takes time by its square.

_NUMBER = re.compile(r"[-+]?([0-9]++([.,][0-9]*+)*+|[.,][0-9]++)([eE][-+]?[0-9]++)?(\s*+%)?")
_MEASURED = re.compile(r"[-+]?[0-9]*+[.,][0-9]++([eE][-+]?[0-9]++)?|-[0-9]++")
_EMAIL = re.compile(r"[^@\s]++@[^@\s.]++(?:\.[^@\s.]++)++")


def is_number(cell: str) -> bool:
    """Whether a cell is a number, as people write them."""
    return bool(_NUMBER.fullmatch(cell.strip()))


def is_value(cell: str) -> bool:
    """Whether a cell is a value that no column is named: a number with a fraction or below 0, an e-mail address."""
    cell = cell.strip()
    return bool(_MEASURED.fullmatch(cell) or _EMAIL.fullmatch(cell))
