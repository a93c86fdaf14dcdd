"""Decodes text files to UTF-8, within bounds, and suggests the encoding of text that is not UTF-8."""

import codecs
import re
from pathlib import Path

from churn_api.contract.remark import Remark
from churn_api.contract.size_limits import Bounds
from churn_api.tables.decompression import decompress
from churn_api.tables.read_options import PreparedFile, ReadOptions
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_size

_PIECE = 1 << 20
_START = 1 << 16
# UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = "utf-8"
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_ASCII = bytes(range(0x80))
_FIRST_LATIN1 = 0xA0
_MOSTLY = 0.3
"""Share of bytes beyond ASCII from which a text is hardly in a Latin alphabet."""
_FIRST_SPACE = ord("\t")


def prepare_text(path: Path, folder: Path, bounds: Bounds, options: ReadOptions) -> PreparedFile:
    """The file itself, or its content in `folder`: decompressed where it is gzipped, and decoded to UTF-8.

    Raises TableError, or TooLarge where the copy has more bytes than allowed.
    """
    plain = decompress(path, folder, bounds)
    marked = _marked_encoding(plain)
    encoding = options.encoding or marked or _UTF8
    if encoding == _UTF8:
        return PreparedFile(plain)
    decoded = _decode(plain, folder / f"{path.name}.decoded", encoding, bounds.bytes)
    if options.encoding:
        return PreparedFile(decoded)
    remark = Remark(
        seen=f"{path.name} begins with the byte order mark of {encoding}",
        done=f"read as {encoding}",
        option="--encoding NAME",
    )
    return PreparedFile(decoded, (remark,))


def likely_encoding(data: bytes) -> str | None:
    """The likely encoding of text that is not UTF-8; None where that is hard to say."""
    sample = data[:_START]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        letters = sample[1 - offset :: 2]
        # Every second byte is NUL, and the others are no control characters, which bytes that are no text have.
        if sample[offset::2].count(0) > _MOSTLY * len(sample) and letters and min(letters) >= _FIRST_SPACE:
            return encoding
    bad = _NOT_UTF8.findall(sample.decode(errors="surrogateescape"))
    text_bytes = sample.translate(None, _ASCII)
    if not text_bytes:
        return None
    # Most of it is UTF-8, or it is hardly in a Latin alphabet.
    if 2 * len(bad) < len(text_bytes) or len(bad) > _MOSTLY * len(sample):
        return None
    # In Latin-1 these are control characters, in Windows' quotes, dashes and the euro sign.
    return "cp1252" if min(text_bytes) < _FIRST_LATIN1 else "latin-1"


def _marked_encoding(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(len(codecs.BOM_UTF32_LE))
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)


def _decode(path: Path, target: Path, encoding: str, max_bytes: int) -> Path:
    decoder = codecs.getincrementaldecoder(encoding)()
    read = written = 0
    try:
        with path.open("rb") as source, target.open("wb") as file:
            while piece := source.read(_PIECE):
                text = decoder.decode(piece).encode()
                read, written = read + len(piece), check_size(path, written + len(text), max_bytes)
                file.write(text)
            file.write(decoder.decode(b"", final=True).encode())
    except UnicodeError as error:
        raise TableError(f"{path.name} is not {encoding} text, from byte {read:,} on") from error
    return target
