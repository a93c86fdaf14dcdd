"""Workbooks (.xlsx): a ZIP of XML parts, read as a stream and within bounds.

Libraries that load a sheet into memory can be made to allocate any amount: a sheet of two cells may span 16,384 columns
and a million rows. This module holds one row at a time, and the shared strings.
"""

import errno
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from posixpath import basename, dirname, join, normpath
from typing import TYPE_CHECKING, BinaryIO

# Document type declarations are rejected, so there are no entities to expand.
from xml.parsers import expat  # nosec B407
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from churn_api.tables.excel_dates import date_styles
from churn_api.tables.sheet_xml import Elements, Handler, Sheet, Texts
from churn_api.tables.table_errors import TableError, TooLarge
from churn_api.tables.table_size import check_size

if TYPE_CHECKING:
    from churn_api.tables.sheet_xml import SheetRow

MAX_DIRECTORY_BYTES = 1 << 20
"""Of a ZIP's central directory, with at least 50 bytes per part."""
MAX_SMALL_PART_BYTES = 1 << 22
"""Of a part that lists sheets, parts or styles."""
MAX_TEXTS_BYTES = 1 << 28
"""Of the shared strings, which are kept in memory."""
MAX_TOKEN_BYTES = 1 << 22
"""Of one XML tag; Excel's have a few dozen bytes."""

MAX_LISTED = 20
"""Sheets that an error lists."""

_PIECE = 1 << 18
_OLE = b"\xd0\xcf\x11\xe0"
"""The first bytes of an encrypted workbook, and of an old .xls."""
_END, _LONGER = b"PK\5\6", b"PK\6\7"
_END_BYTES = 22
_PARSE_ERRORS = (LookupError, ValueError, RuntimeError, StopIteration, NotImplementedError)
"""What missing, mistyped or encrypted parts raise."""


def _damaged(path: Path) -> TableError:
    return TableError(f"{path.name} is not a complete Excel workbook")


@contextmanager
def open_workbook(path: Path, max_bytes: int) -> "Iterator[Workbook]":
    """A workbook, to be read inside the context. Raises TableError, or TooLarge beyond `max_bytes` of XML."""
    try:
        with path.open("rb") as file, _open_zip(path, file) as archive:
            yield Workbook(path, archive, max_bytes)
    except TableError:
        raise
    except (BadZipFile, EOFError, zlib.error, expat.ExpatError, *_PARSE_ERRORS) as error:
        raise _damaged(path) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a disk error; EINVAL means that a part's offset is impossible
            raise
        raise _damaged(path) from error


def _open_zip(path: Path, file: BinaryIO) -> ZipFile:
    """Open a workbook's ZIP. Raises TableError where it is not one, or its central directory is too large.

    The end of a ZIP has the directory's size; opening a ZIP reads the complete directory.
    """
    if file.read(len(_OLE)) == _OLE:
        raise TableError(f"{path.name} is encrypted, or an old .xls: save it as .xlsx without a password")
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 16) - _END_BYTES))
    tail = file.read()
    end = tail.rfind(_END)
    if not 0 <= end <= len(tail) - _END_BYTES or tail[:end][-20:].startswith(_LONGER):
        raise _damaged(path)
    (directory,) = struct.unpack_from("<L", tail, end + 12)
    if directory > MAX_DIRECTORY_BYTES:
        raise TooLarge(f"{path.name} has more parts than a workbook has")
    return ZipFile(file)


class Workbook:
    """The parts of a workbook, decompressed within bounds; actual sizes count, not declared ones."""

    def __init__(self, path: Path, archive: ZipFile, max_bytes: int) -> None:
        self._path = path
        self._archive = archive
        self._max_bytes = max_bytes
        self._size = 0
        self._main = next(target for kind, target in self._related("").values() if kind == "officeDocument")
        self._parts = self._related(self._main)

        elements = self._elements(self._main, ("workbookPr", "sheet"))
        self._base_1904 = any(attributes.get("date1904") in ("1", "true") for attributes in elements["workbookPr"])
        self._sheets = dict(self._worksheets(elements["sheet"]))

    @property
    def sheets(self) -> tuple[str, ...]:
        """The names of the sheets, in order."""
        return tuple(self._sheets)

    def rows(self, sheet: str | None = None) -> "Iterator[SheetRow]":
        """The nonblank rows of a sheet, by default of the first. Raises TableError where there is no such sheet."""
        if sheet is not None and sheet not in self._sheets:
            known = ", ".join(map(repr, self.sheets[:MAX_LISTED]))
            raise TableError(f"{self._path.name} has no sheet {sheet!r}: it has {known}")
        part = next(iter(self._sheets.values())) if sheet is None else self._sheets[sheet]
        handler = Sheet(self._texts(), self._date_styles(), self._base_1904)
        for _ in self._parse(part, handler, self._max_bytes):
            yield from handler.take()

    def _worksheets(self, sheets: list[dict[str, str]]) -> Iterator[tuple[str, str]]:
        """The name and the part of each sheet that holds cells, not a chart."""
        for attributes in sheets:
            kind, part = self._parts[next(value for key, value in attributes.items() if key.endswith(":id"))]
            if kind == "worksheet":
                yield attributes["name"], part

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """The type and the name of each part related to a part (or to the workbook: ''), by relationship id."""
        folder = dirname(part)
        relationships = self._elements(join(folder, "_rels", f"{basename(part)}.rels"), ("Relationship",))[
            "Relationship"
        ]
        return {
            item["Id"]: (basename(item["Type"]), normpath(join("/", folder, item["Target"])).lstrip("/"))
            for item in relationships
            if item.get("TargetMode") != "External"
        }

    def _of_kind(self, wanted: str) -> str | None:
        return next((target for kind, target in self._parts.values() if kind == wanted), None)

    def _texts(self) -> list[str | None]:
        """The shared strings."""
        part, handler = self._of_kind("sharedStrings"), Texts()
        if part is not None:
            for _ in self._parse(part, handler, MAX_TEXTS_BYTES):
                pass
        return handler.texts

    def _date_styles(self) -> frozenset[str]:
        """The indices of the cell styles that show dates or times."""
        part = self._of_kind("styles")
        if part is None:
            return frozenset()
        elements = self._elements(part, ("numFmt", "cellXfs/xf"))
        return date_styles(elements["numFmt"], elements["cellXfs/xf"])

    def _elements(self, part: str, names: tuple[str, ...]) -> dict[str, list[dict[str, str]]]:
        """The attributes of a small part's elements, by element name or `parent/name`."""
        handler = Elements(names)
        for _ in self._parse(part, handler, MAX_SMALL_PART_BYTES):
            pass
        return handler.attributes

    def _parse(self, part: str, handler: Handler, max_bytes: int) -> Iterator[None]:
        """Pass a part to a handler, and yield after each piece. Raises TooLarge beyond `max_bytes`."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = handler.start
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.text
        info = self._archive.getinfo(part)
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others may expand without limit in one step
            raise _damaged(self._path)
        read = 0
        with self._archive.open(info) as file:
            while piece := file.read(_PIECE):
                read = check_size(self._path, read + len(piece), max_bytes)
                self._size = check_size(self._path, self._size + len(piece), self._max_bytes)
                parser.Parse(piece)
                if read - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
                    raise _damaged(self._path)
                yield
        parser.Parse(b"", True)
        yield


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type")
