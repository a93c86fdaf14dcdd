"""Workbooks (.xlsx): a ZIP of XML parts, read as a stream and within bounds.

A library that holds a sheet in memory can be made to hold any amount: a sheet of two cells may be 16,384 columns wide
and a million rows long. Here a row is gone when the next one is read; only the texts that cells share are kept.
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

# Document types are refused, so that there are no entities to expand.
from xml.parsers import expat  # nosec B407
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from churn_api.tables.sheet_xml import Elements, Handler, Sheet, Texts, date_styles
from churn_api.tables.table_errors import TableError, TooLarge
from churn_api.tables.table_size import check_size

if TYPE_CHECKING:
    from churn_api.tables.sheet_xml import SheetRow

MAX_DIRECTORY_BYTES = 1 << 20
"""Of a ZIP's list of its parts, at 50 bytes or more each."""
MAX_SMALL_PART_BYTES = 1 << 22
"""Of a part that lists sheets, parts or styles."""
MAX_TEXTS_BYTES = 1 << 28
"""Of the part that holds the texts which cells share: they are all in memory."""
MAX_TOKEN_BYTES = 1 << 22
"""Of one tag: Excel's have a few dozen."""

_PIECE = 1 << 18
_OLE = b"\xd0\xcf\x11\xe0"
"""What an encrypted workbook begins with, and an old .xls."""
_END, _LONGER = b"PK\5\6", b"PK\6\7"
_END_BYTES = 22
_MISLED = (LookupError, ValueError, RuntimeError, StopIteration, NotImplementedError)
"""What comes of parts that are not there, are not what they are said to be, or are encrypted."""


def _damaged(path: Path) -> TableError:
    return TableError(f"{path.name} is not a whole Excel workbook")


@contextmanager
def sheet_rows(path: Path, max_bytes: int) -> "Iterator[Iterator[SheetRow]]":
    """The rows of the first sheet that are not blank. Raises TableError, or TooLarge beyond `max_bytes` of XML."""
    try:
        with path.open("rb") as file, _open_zip(path, file) as archive:
            yield _Workbook(path, archive, max_bytes).rows()
    except TableError:
        raise
    except (BadZipFile, EOFError, zlib.error, expat.ExpatError, *_MISLED) as error:
        raise _damaged(path) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # the disk's fault; else a part is said to stand where no file has a place
            raise
        raise _damaged(path) from error


def _open_zip(path: Path, file: BinaryIO) -> ZipFile:
    """A workbook's ZIP. Raises TableError where it is none, or lists more parts than a workbook has.

    Its end says how long that list is, and whoever opens a ZIP reads all of it.
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


class _Workbook:
    """The parts of a workbook, unzipped within bounds: what counts is what they really decompress to."""

    def __init__(self, path: Path, archive: ZipFile, max_bytes: int) -> None:
        self._path = path
        self._archive = archive
        self._max_bytes = max_bytes
        self._size = 0
        self._main = next(target for kind, target in self._related("").values() if kind == "officeDocument")
        self._parts = self._related(self._main)

    def rows(self) -> "Iterator[SheetRow]":
        """The rows of the first sheet that are not blank."""
        elements = self._elements(self._main, ("workbookPr", "sheet"))
        sheets = [next(value for key, value in one.items() if key.endswith(":id")) for one in elements["sheet"]]
        sheet = next(target for kind, target in map(self._parts.__getitem__, sheets) if kind == "worksheet")
        base_1904 = any(one.get("date1904") in ("1", "true") for one in elements["workbookPr"])
        found = Sheet(self._texts(), self._date_styles(), base_1904)
        for _ in self._parse(sheet, found, self._max_bytes):
            yield from found.taken()

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """The kind and the name of each part that a part, or the whole workbook, leads to, by its id."""
        folder = dirname(part)
        listed = self._elements(join(folder, "_rels", f"{basename(part)}.rels"), ("Relationship",))["Relationship"]
        return {
            one["Id"]: (basename(one["Type"]), normpath(join("/", folder, one["Target"])).lstrip("/"))
            for one in listed
            if one.get("TargetMode") != "External"
        }

    def _of_kind(self, wanted: str) -> str | None:
        return next((target for kind, target in self._parts.values() if kind == wanted), None)

    def _texts(self) -> list[str | None]:
        """The texts that cells share."""
        part, found = self._of_kind("sharedStrings"), Texts()
        if part is not None:
            for _ in self._parse(part, found, MAX_TEXTS_BYTES):
                pass
        return found.texts

    def _date_styles(self) -> frozenset[str]:
        """The styles of cells that show dates or times."""
        part = self._of_kind("styles")
        if part is None:
            return frozenset()
        elements = self._elements(part, ("numFmt", "cellXfs/xf"))
        return date_styles(elements["numFmt"], elements["cellXfs/xf"])

    def _elements(self, part: str, names: tuple[str, ...]) -> dict[str, list[dict[str, str]]]:
        """The attributes of the elements of a small part that have these names, or these parents and names."""
        found = Elements(names)
        for _ in self._parse(part, found, MAX_SMALL_PART_BYTES):
            pass
        return found.attributes

    def _parse(self, part: str, handler: Handler, max_bytes: int) -> Iterator[None]:
        """Have a handler see a part, and come back after each piece of it. Raises TooLarge beyond `max_bytes`."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = handler.start
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.text
        info = self._archive.getinfo(part)
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others may decompress without end at once
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
