"""The footer of a Parquet file, read piece by piece, so that it can be found too large before it is all in memory.

pyarrow reads all of it at once, and its accessors of single chunks end the process at one that contradicts itself.
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from churn_api.contract.bounds import Bounds
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import check_columns
from churn_api.tables.thrift_structs import I32, I64, Struct, StructReader, integer

_END = struct.Struct("<I4s")
_MAGIC = b"PAR1"
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4
_CHILDREN = 5
_COLUMNS = 1
_CHUNK = 3
_TYPE, _ENCODINGS, _PATH, _VALUES, _SIZE, _DATA, _DICTIONARY = 1, 2, 3, 5, 7, 9, 11
_TEXT = 6
_DELTAS = {6, 7}
"""Encodings of texts by their lengths, and by what they share with the last."""


_MISLED = (ValueError, LookupError, TypeError, AttributeError, struct.error, OSError)
"""What comes of fields that are not there, or are of another kind."""


class Chunk(NamedTuple):
    """One column of one row group."""

    group: int
    column: str
    text: bool
    deltas: bool
    """Whether its texts are encoded in a way that no dictionary is made of."""
    start: int
    stop: int


def damaged(path: Path) -> TableError:
    """What says that a file is no Parquet."""
    return TableError(f"{path.name} is not a whole Parquet file")


def chunks(path: Path, bounds: Bounds) -> Iterator[Chunk]:
    """Every column of every row group, once its columns and rows are within bounds.

    Raises TableError, TooLarge, or TooManyRows.
    """
    try:
        reader = StructReader(_footer(path))
        for number, kind in reader.fields():
            if number == _SCHEMA:
                _check_schema(path, reader, bounds)
            elif number == _GROUPS:
                yield from _chunks(reader)
            else:
                value = reader.value(kind)
                if number == _ROWS and isinstance(value, tuple):
                    bounds.check_rows(value[1])
    except TableError:
        raise
    except _MISLED as error:
        raise damaged(path) from error


def _footer(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-_END.size, 2)
        size, magic = _END.unpack(file.read())
        if magic != _MAGIC:
            raise ValueError("no footer")
        file.seek(-_END.size - size, 2)
        return file.read(size)


def _check_schema(path: Path, reader: StructReader, bounds: Bounds) -> None:
    columns = 0
    for kind in reader.items():
        element: Struct = reader.value(kind)
        columns += not integer(element, _CHILDREN, I32)
        check_columns(path, columns, bounds)


def _chunks(reader: StructReader) -> Iterator[Chunk]:
    for group, _ in enumerate(reader.items()):
        for number, kind in reader.fields():
            if number != _COLUMNS:
                reader.value(kind)
                continue
            for item in reader.items():
                yield _chunk(group, reader.value(item)[_CHUNK])


def _chunk(group: int, found: Struct) -> Chunk:
    start, size = integer(found, _DATA, I64), integer(found, _SIZE, I64)
    dictionary = integer(found, _DICTIONARY, I64) or 0
    if integer(found, _VALUES, I64) == 0:
        start = size = dictionary = 0  # no page of it is read, and its places may be anything
    if start is None or size is None or min(start, size) < 0:
        raise ValueError("a chunk that stands nowhere")
    start = min(start, dictionary) if dictionary > 0 else start
    return Chunk(
        group,
        ".".join(step.decode() for step in found[_PATH]),
        integer(found, _TYPE, I32) == _TEXT,
        any(encoding in _DELTAS for _, encoding in found[_ENCODINGS]),
        start,
        start + size,
    )
