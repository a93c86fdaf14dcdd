"""What the pages of a Parquet file decompress to, by their own headers: what its footer says of them need not be so."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from churn_api.contract.bounds import Bounds
from churn_api.tables.parquet_footer import Chunk, chunks, damaged
from churn_api.tables.table_size import check_size
from churn_api.tables.thrift_structs import I32, Struct, StructReader, integer

PAGE_BYTES = 1 << 10
"""What a page counts for at least, and a chunk: looking at it takes its time, however little it holds."""

_HEADER_BYTES = 1 << 8
"""In which most headers end: all but those with long texts among their statistics."""
_MAX_HEADER_BYTES = 1 << 24
_DECOMPRESSED, _COMPRESSED = 2, 3
_ENCODINGS = ((5, 2), (7, 2), (8, 4))
"""Where the header of a data page, of a dictionary and of a data page of version 2 says how it is encoded."""
_DICTIONARY = 7
_PLAIN = 0


class Page(NamedTuple):
    """One page of a column."""

    bytes: int
    """Once it is decompressed."""
    shares_texts: bool
    """Whether one text in it may stand for many: a dictionary, or one where a text shares the start of the last."""


def check_pages(path: Path, bounds: Bounds) -> None:
    """See that a file is within bounds, before anything of it is decompressed.

    Raises TableError where it is damaged, TooLarge where its pages decompress to more than is allowed, or TooManyRows.
    """
    size = 0
    for chunk in chunks(path, bounds):
        size = check_size(path, size + PAGE_BYTES, bounds.bytes)
        for page in pages(path, chunk):
            size = check_size(path, size + max(page.bytes, PAGE_BYTES), bounds.bytes)


def longest_shared_text(path: Path, found: list[Chunk]) -> int:
    """Bytes that a text has at most which may stand in many rows of these columns. Raises TableError."""
    texts = [chunk for chunk in found if chunk.text]
    return max((page.bytes for chunk in texts for page in pages(path, chunk) if page.shares_texts), default=0)


def pages(path: Path, chunk: Chunk) -> Iterator[Page]:
    """The pages of one column of one row group. Raises TableError where they are not whole."""
    start = chunk.start
    with path.open("rb") as file:
        while start < chunk.stop:
            header, size = _header(path, file, start)
            decompressed, compressed = integer(header, _DECOMPRESSED, I32), integer(header, _COMPRESSED, I32)
            if decompressed is None or compressed is None or min(decompressed, compressed) < 0:
                raise damaged(path)
            yield Page(decompressed, _shares_texts(header))
            start += size + compressed


def _header(path: Path, file: BinaryIO, start: int) -> tuple[Struct, int]:
    """A page's header, and the bytes that it takes."""
    size = _HEADER_BYTES
    while size <= _MAX_HEADER_BYTES:
        file.seek(start)
        data = file.read(size)
        reader = StructReader(data)
        try:
            return reader.read(), reader.position
        except IndexError:
            if len(data) < size:
                break
            size *= 16
        except (ValueError, KeyError):
            break
    raise damaged(path)


def _shares_texts(header: Struct) -> bool:
    if _DICTIONARY in header:
        return True
    encodings = [integer(header[kind], field, I32) for kind, field in _ENCODINGS if isinstance(header.get(kind), dict)]
    return any(encoding != _PLAIN for encoding in encodings)
