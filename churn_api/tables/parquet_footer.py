"""Reads the footer of a Parquet file incrementally, so that a file beyond its bounds is rejected early.

pyarrow parses the complete footer at once, and its accessors of column chunks abort the process where one is corrupt.
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from churn_api.contract.size_limits import Bounds
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
"""DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY, encodings of text."""


_PARSE_ERRORS = (ValueError, LookupError, TypeError, AttributeError, struct.error, OSError)
"""What missing fields, or fields of another type, raise."""


class Chunk(NamedTuple):
    """A column chunk: one column of one row group."""

    group: int
    column: str
    text: bool
    deltas: bool
    """Whether its text is delta-encoded, which pyarrow cannot read as a dictionary."""
    start: int
    stop: int


def damaged(path: Path) -> TableError:
    """The error for a file that is not valid Parquet."""
    return TableError(f"{path.name} is not a complete Parquet file")


def chunks(path: Path, bounds: Bounds) -> Iterator[Chunk]:
    """Every column chunk of every row group, after checking the bounds on columns and rows.

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
    except _PARSE_ERRORS as error:
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


def _chunk(group: int, metadata: Struct) -> Chunk:
    start, size = integer(metadata, _DATA, I64), integer(metadata, _SIZE, I64)
    dictionary = integer(metadata, _DICTIONARY, I64) or 0
    if integer(metadata, _VALUES, I64) == 0:
        start = size = dictionary = 0  # none of its pages is read, and its offsets may be arbitrary
    if start is None or size is None or min(start, size) < 0:
        raise ValueError("a chunk without a valid offset")
    start = min(start, dictionary) if dictionary > 0 else start
    return Chunk(
        group,
        ".".join(step.decode() for step in metadata[_PATH]),
        integer(metadata, _TYPE, I32) == _TEXT,
        any(encoding in _DELTAS for _, encoding in metadata[_ENCODINGS]),
        start,
        start + size,
    )
