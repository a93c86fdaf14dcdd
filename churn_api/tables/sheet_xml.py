"""Handlers of the XML in a workbook's parts (ECMA-376): shared strings, styles, and the cells of a sheet."""

import math
import re
from functools import cache
from typing import TYPE_CHECKING

from churn_api.contract.fields import EXACT_INTEGERS
from churn_api.contract.numerals import is_numeral
from churn_api.tables.excel_dates import as_date

if TYPE_CHECKING:
    from churn_api.tables.typed_cells import Cell

    SheetRow = tuple[int, dict[int, Cell]]
    """A row's number, from 1, and its nonblank cells by column, from 0."""

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""Limits of a sheet, including its header."""

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class _LocalNames(dict[str, str]):
    """XML names without their namespace prefixes."""

    def __missing__(self, name: str) -> str:
        return name.rpartition(":")[2]


_LOCAL = _LocalNames((name, name) for name in ("c", "v", "t", "row", "is", "f", "si", "r"))


class Handler:
    """Receives the XML events of a part."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Text in an element."""


class Elements(Handler):
    """Collects the attributes of elements with certain names."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.attributes: dict[str, list[dict[str, str]]] = {name: [] for name in names}
        self._parents: list[str] = [""]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Collect the attributes of a requested element."""
        name = _LOCAL[name]
        for known in (name, f"{self._parents[-1]}/{name}"):
            if known in self.attributes:
                self.attributes[known].append(attributes)
        self._parents.append(name)

    def end(self, name: str) -> None:
        """Return to the parent."""
        self._parents.pop()


class Texts(Handler):
    """Collects the shared strings; phonetic guides (`rPh`) are left out."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self._pieces: list[str] = []
        self._wanted = self._in_phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Collect the text of a `t`, except in a phonetic guide."""
        name = _LOCAL[name]
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._in_phonetic = True
        self._wanted = name == "t" and not self._in_phonetic

    def end(self, name: str) -> None:
        """A text is complete where its `si` ends."""
        name = _LOCAL[name]
        self._wanted = False
        if name == "rPh":
            self._in_phonetic = False
        elif name == "si":
            self.texts.append(_unescaped("".join(self._pieces)))

    def text(self, data: str) -> None:
        """Collect text within a `t`."""
        if self._wanted:
            self._pieces.append(data)


class Sheet(Handler):
    """Collects the rows of a sheet until `take` returns them."""

    def __init__(self, texts: list[str | None], date_styles: frozenset[str], base_1904: bool) -> None:
        self._texts = texts
        self._date_styles = date_styles
        self._base_1904 = base_1904
        self._rows: list[SheetRow] = []
        self._number = 0
        self._cells: dict[int, Cell] = {}
        self._column = -1
        self._attributes: dict[str, str] = {}
        self._pieces: list[str] = []
        self._wanted = self._in_phonetic = False

    def take(self) -> "list[SheetRow]":
        """Return and forget the complete rows."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin a row or a cell at its reference, or else after the last one."""
        name = _LOCAL[name]
        if name == "c":
            reference = attributes.get("r")
            self._column = _column_index(reference.rstrip("0123456789")) if reference else self._column + 1
            self._attributes, self._pieces = attributes, []
        elif name in ("v", "t"):
            self._wanted = not self._in_phonetic
        elif name == "rPh":
            self._in_phonetic = True
        elif name == "row":
            number = int(attributes.get("r", self._number + 1))
            if not self._number < number <= MAX_ROWS:
                raise ValueError("rows out of order")
            self._number, self._column, self._cells = number, -1, {}

    def end(self, name: str) -> None:
        """Keep cells and rows that are not blank."""
        name = _LOCAL[name]
        if name in ("v", "t"):
            self._wanted = False
        elif name == "c":
            value = self._value("".join(self._pieces))
            if value is not None:
                self._cells[self._column] = value
        elif name == "rPh":
            self._in_phonetic = False
        elif name == "row" and self._cells:
            self._rows.append((self._number, self._cells))

    def text(self, data: str) -> None:
        """Collect a cell's value or text, but not its formula."""
        if self._wanted:
            self._pieces.append(data)

    def _value(self, text: str) -> "Cell":
        """A cell's value. Dates, and errors such as #N/A, are text."""
        kind = self._attributes.get("t", "n")
        if not text:
            return None
        if kind == "s":
            return self._texts[_natural(text)]
        if kind == "b":
            return text in ("1", "true")
        if kind != "n":
            return _unescaped(text)
        if not is_numeral(text):
            raise ValueError("no number")
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("not finite")
        if self._attributes.get("s") in self._date_styles:
            return as_date(number, base_1904=self._base_1904)
        return int(number) if number.is_integer() and abs(number) <= EXACT_INTEGERS[1] else number


def _natural(text: str) -> int:
    if not (text.isascii() and text.strip().isdecimal()):
        raise ValueError("no index")
    return int(text)


@cache
def _column_index(letters: str) -> int:
    """A, B, … Z, AA, … XFD -> 0, 1, …"""
    index = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError("no column")
        index = index * 26 + ord(letter) - ord("A") + 1
    if not 1 <= index <= MAX_COLUMNS:
        raise ValueError("no column")
    return index - 1


def column_letters(index: int) -> str:
    """0, 1, … -> A, B, … Z, AA, …"""
    letters = ""
    while index >= 0:
        letters = chr(ord("A") + index % 26) + letters
        index = index // 26 - 1
    return letters


def _unescaped(text: str) -> str | None:
    """A text with its `_xHHHH_` escapes decoded; None for an empty text."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: _character(match[0], int(match[1], 16)), text)
    return text or None


def _character(escaped: str, code: int) -> str:
    return escaped if 0xD800 <= code <= 0xDFFF else chr(code)
