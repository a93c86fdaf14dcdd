"""What a user may say about a file of a table: its encoding, the lines above its header, its sheet."""

from pathlib import Path
from typing import NamedTuple

from churn_api.contract.remark import Remark

ENCODINGS = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp437", "cp850"),
    *("iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-15"),
    *("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8-r", "mac-roman"),
    *("shift_jis", "cp932", "euc-jp", "gb18030", "big5", "euc-kr", "cp949"),
)
"""Encodings of text, in Python's names. Of Python's others, some are no encodings of text, or slow on hostile bytes."""

MAX_SKIPPED_ROWS = 1_000


class ReadOptions(NamedTuple):
    """How to read a file, where it does not say so itself."""

    encoding: str | None = None
    """One of ENCODINGS; by default UTF-8, or what a byte order mark says. Formats that are not text ignore it."""
    skip_rows: int = 0
    """Lines above the header, at most MAX_SKIPPED_ROWS; of a sheet, rows. Formats without a header ignore it."""
    sheet: str | None = None
    """The sheet of a workbook; by default the first. Other formats ignore it."""


AS_IT_IS = ReadOptions()


class PreparedFile(NamedTuple):
    """A file with random access, and what was assumed to make it."""

    path: Path
    remarks: tuple[Remark, ...] = ()
