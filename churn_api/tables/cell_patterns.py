"""What single cells look like, for code that must not load pyarrow."""

import re

_NUMBER = re.compile(r"\s*[-+]?([0-9]+([.,][0-9]*)*|[.,][0-9]+)([eE][-+]?[0-9]+)?\s*%?\s*")
_MEASURED = re.compile(r"\s*[-+]?[0-9]*[.,][0-9]+([eE][-+]?[0-9]+)?\s*|\s*-[0-9]+\s*")
_EMAIL = re.compile(r"\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*")


def is_number(cell: str) -> bool:
    """Whether a cell is a number, as people write them."""
    return bool(_NUMBER.fullmatch(cell))


def is_value(cell: str) -> bool:
    """Whether a cell is a value that no column is named: a number with a fraction or below 0, an e-mail address."""
    return bool(_MEASURED.fullmatch(cell) or _EMAIL.fullmatch(cell))
