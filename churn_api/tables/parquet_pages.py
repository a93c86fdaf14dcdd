"""The decompressed size of a Parquet file's pages, from their own headers: the footer cannot be trusted."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from churn_api.contract.size_limits import Bounds
from churn_api.tables.parquet_footer import Chunk, chunks, damaged
from churn_api.tables.table_size import check_size
from churn_api.tables.thrift_structs import I32, Struct, StructReader, integer

PAGE_BYTES = 1 << 10
"""The least that a page or a chunk counts for, since reading even an empty one takes time."""

_HEADER_BYTES = 1 << 8
"""Bytes that contain most headers; headers with long text in their statistics are longer."""
_MAX_HEADER_BYTES = 1 << 24
_DECOMPRESSED, _COMPRESSED = 2, 3
_ENCODINGS = ((5, 2), (7, 2), (8, 4))
"""Fields with the encoding, in the headers of a data page, a dictionary page and a data page V2."""
_DICTIONARY = 7
_PLAIN = 0


class Page(NamedTuple):
    """One page of a column."""

    bytes: int
    """Decompressed size."""
    shares_texts: bool
    """Whether one text in it may occur in many rows: a dictionary, or text that shares prefixes."""


def check_pages(path: Path, bounds: Bounds) -> None:
    """Check that a file is within bounds, before decompressing anything.

    Raises TableError where it is corrupt, TooLarge where its pages decompress to more than allowed, or TooManyRows.
    """
    size = 0
    for chunk in chunks(path, bounds):
        size = check_size(path, size + PAGE_BYTES, bounds.bytes)
        for page in pages(path, chunk):
            size = check_size(path, size + max(page.bytes, PAGE_BYTES), bounds.bytes)


def longest_shared_text(path: Path, columns: list[Chunk]) -> int:
    """An upper bound, in bytes, of a text that may occur in many rows of these columns. Raises TableError."""
    texts = [chunk for chunk in columns if chunk.text]
    return max((page.bytes for chunk in texts for page in pages(path, chunk) if page.shares_texts), default=0)


def pages(path: Path, chunk: Chunk) -> Iterator[Page]:
    """The pages of a column chunk. Raises TableError where they are incomplete."""
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
    """A page's header and its size in bytes."""
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
