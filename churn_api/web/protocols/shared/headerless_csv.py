"""CSV without a header, as SageMaker's serializers write it: it gets the signature's names as its header."""

import csv
import io
from collections.abc import Iterable, Sequence

from churn_api.tables.csv_header import DELIMITERS

START_BYTES = 1 << 16
"""Bytes at the start of a body in which its first row is looked for."""
_BOM = b"\xef\xbb\xbf"


def has_header(body: bytes, names: Iterable[str]) -> bool:
    """Whether the first row holds one of these names: a misspelt header still holds the others."""
    known = frozenset(names)
    return any(cell.strip() in known for delimiter in DELIMITERS for cell in _first_row(body, delimiter))


def with_header(body: bytes, names: Sequence[str]) -> bytes:
    """The body below a header of these names, with the delimiter that splits its first row into as many cells."""
    fitting = (delimiter for delimiter in DELIMITERS if len(_first_row(body, delimiter)) == len(names))
    text = io.StringIO()
    csv.writer(text, delimiter=next(fitting, ","), lineterminator="\n").writerow(names)
    return text.getvalue().encode() + body.removeprefix(_BOM).lstrip(b"\r\n")


def _first_row(body: bytes, delimiter: str) -> list[str]:
    """The cells of the first row that is not blank; none where there is no such row."""
    start = body[:START_BYTES].removeprefix(_BOM).decode(errors="replace")
    try:
        return next((row for row in csv.reader(io.StringIO(start), delimiter=delimiter) if row), [])
    except csv.Error:
        return []
