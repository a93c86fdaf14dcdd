"""Writes workbooks (.xlsx) as a stream: one sheet, with inline strings."""

import math
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

# Used to escape text only; it parses nothing.
from xml.sax.saxutils import escape  # nosec B406
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from churn_api.tables.sheet_xml import MAX_COLUMNS, MAX_ROWS, column_letters
from churn_api.tables.table_errors import TooLarge

if TYPE_CHECKING:
    import pyarrow as pa

MAX_CHARACTERS = 32_767
"""Of a cell, in UTF-16 code units: Excel reports a sheet with more as damaged."""
MAX_SHEET_BYTES = (1 << 31) - (1 << 20)
"""The maximum size of a ZIP's part without ZIP64."""
EXACT_DIGITS = 10**15
"""Excel keeps 15 digits; longer integers are written as text."""

_BATCH_CELLS = 1 << 15
"""Cells held as Python objects at a time."""
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET = "xl/worksheets/sheet1.xml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT}.sheet.main+xml"/>'
    f'<Override PartName="/{_SHEET}" ContentType="{_CONTENT}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
"""The parts of a workbook with one sheet, except the sheet itself."""


class WorkbookWriter:
    """Writes a workbook with one sheet. The output is deterministic: its parts have a fixed timestamp.

    The constructor and every method raise TooLarge where the rows exceed Excel's limits.
    """

    def __init__(self, sink: BinaryIO, names: list[str]) -> None:
        if len(names) > MAX_COLUMNS:
            raise TooLarge(f"an Excel sheet has at most {MAX_COLUMNS:,} columns")
        header: list[list[str | None]] = [[_text_cell(name)] for name in names]
        self._letters = [column_letters(index) for index in range(len(names))]
        self._rows = self._bytes = 0
        with ExitStack() as opened:
            archive = opened.enter_context(ZipFile(sink, "w", ZIP_DEFLATED))
            for name, text in _PARTS.items():
                archive.writestr(_info(name), _XML + text)
            self._sheet = opened.enter_context(archive.open(_info(_SHEET), "w"))
            self._write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>')
            self._write_rows(header)
            self._opened = opened.pop_all()

    def write_table(self, table: "pa.Table") -> None:
        """Write the next rows: numbers as numbers, text as text, even where it begins like a formula."""
        from churn_api.tables.written_values import as_written

        for batch in as_written(table).to_batches(max_chunksize=max(1, _BATCH_CELLS // (table.num_columns or 1))):
            if self._rows + batch.num_rows > MAX_ROWS:
                raise TooLarge(f"an Excel sheet has at most {MAX_ROWS:,} rows, its header included")
            self._write_rows([list(map(_cell, column.to_pylist())) for column in batch.columns])

    def close(self) -> None:
        """Write the end of the sheet and of the ZIP."""
        with self._opened:
            self._sheet.write(b"</sheetData></worksheet>")

    def _write_rows(self, columns: list[list[str | None]]) -> None:
        lines = []
        for number, cells in enumerate(zip(*columns, strict=True), start=self._rows + 1):
            filled = [f'<c r="{at}{number}"{cell}' for at, cell in zip(self._letters, cells, strict=True) if cell]
            lines.append(f'<row r="{number}">{"".join(filled)}</row>')
        self._rows += len(lines)
        self._write("".join(lines))

    def _write(self, text: str) -> None:
        data = text.encode()
        self._bytes += len(data)
        if self._bytes > MAX_SHEET_BYTES:
            raise TooLarge("the rows make a larger sheet than an Excel workbook can hold")
        self._sheet.write(data)


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name)  # with the fixed timestamp 1980-01-01
    info.compress_type = ZIP_DEFLATED
    return info


def _cell(value: Any) -> str | None:
    """A cell's XML after its reference; None for a blank cell."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return f' t="b"><v>{value:d}</v></c>'
    if isinstance(value, str) or not math.isfinite(value) or (isinstance(value, int) and abs(value) >= EXACT_DIGITS):
        return _text_cell(str(value))
    return f"><v>{value!r}</v></c>"


def _text_cell(text: str) -> str:
    if len(text) > MAX_CHARACTERS // 2 and len(text.encode("utf-16-le")) // 2 > MAX_CHARACTERS:
        raise TooLarge(f"a cell of an Excel sheet holds at most {MAX_CHARACTERS:,} characters")
    escaped = escape(_TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text))
    return f' t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>'
