"""Layout: where the data of a file stands, and what its columns are called."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet

from churn_api.tables.decompression import BATCH_ROWS, is_gzip, regroup, unzip
from churn_api.tables.errors import TableError
from churn_api.tables.formats import Format
from churn_api.tables.row_boundaries import MAX_ROW_BYTES, count_lines, first_row

DELIMITERS = ",;\t"

NOT_UTF8 = "not UTF-8 text: save it as CSV UTF-8"
OPEN_QUOTE = "a quote is opened and never closed"
BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_START = 1 << 16
"""Bytes in which most headers end."""


class Layout(NamedTuple):
    """What must be known of a file before its blocks are read."""

    path: str
    format: Format
    names: tuple[str, ...]
    """Of the columns; empty for NDJSON."""
    start: int
    """Where data begins: the byte after the header (CSV) or the byte order mark, else 0."""
    stop: int
    """Where it ends: in bytes (CSV, NDJSON) or rows (Parquet, Arrow)."""
    rows: int | None
    """None where nobody counted."""
    delimiter: str = ","
    lines: int = 0
    """Before the data begins."""


def prepare(path: Path, format: Format, folder: Path, max_bytes: int) -> Path:  # noqa: A002
    """A file that can be read anywhere in it: the file itself, or what it unfolds to, written into `folder`.

    Raises TableError, and TooLarge where it unfolds to more than `max_bytes`.
    """
    if format == "arrow":
        return regroup(path, folder / f"{path.name}.regrouped", max_bytes)
    if format != "parquet" and is_gzip(path):
        return unzip(path, folder / f"{path.name}.unzipped", max_bytes)
    return path


def read_layout(path: Path, format: Format) -> Layout:  # noqa: A002
    """The layout of a file that `prepare` returned. Raises TableError saying why it is no table."""
    size = path.stat().st_size
    if size == 0:
        raise TableError(f"{path.name} is empty")
    if format == "parquet":
        return _parquet_layout(path)
    if format == "arrow":
        return _arrow_layout(path)
    with path.open("rb") as file:
        start = file.read(_START)
    _refuse_no_text(path, start)
    if format == "csv":
        return _csv_layout(path, size)
    return Layout(str(path), format, (), len(BOM) * start.startswith(BOM), size, None)


def refuse_bad_names(path: Path, names: Sequence[str]) -> None:
    """Raise TableError where a column has no name, or two have the same."""
    for name, count in Counter(names).items():
        if not name.strip():
            raise TableError(f"{path.name}: column {names.index(name) + 1} has no name")
        if count > 1:
            raise TableError(f"{path.name}: {count} columns are named {name!r}")


def _parquet_layout(path: Path) -> Layout:
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path.name} is not a whole Parquet file") from error
    refuse_bad_names(path, names)
    return Layout(str(path), "parquet", tuple(names), 0, rows, rows)


def _arrow_layout(path: Path) -> Layout:
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
        names, batches = file.schema.names, file.num_record_batches
        rows = (batches - 1) * BATCH_ROWS + file.get_batch(batches - 1).num_rows if batches else 0
    refuse_bad_names(path, names)
    return Layout(str(path), "arrow", tuple(names), 0, rows, rows)


def _csv_layout(path: Path, size: int) -> Layout:
    skipped, header = _header(path)
    try:
        text = header.decode()
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name}: {NOT_UTF8}") from error
    names, delimiter = max(((_cells(text, sign), sign) for sign in DELIMITERS), key=lambda found: len(found[0]))
    if not names:
        raise TableError(f"{path.name} is not a CSV table")
    refuse_bad_names(path, names)
    start = len(skipped) + len(header)
    return Layout(str(path), "csv", tuple(names), start, size, None, delimiter, count_lines(skipped + header))


def _header(path: Path) -> tuple[bytes, bytes]:
    """What stands above the first row, which is a byte order mark and blank lines, and that row with its ending."""
    with path.open("rb") as file:
        data = file.read(_START)
        skipped = data[: len(data) - len(data.removeprefix(BOM).lstrip(b"\r\n"))]
        data = data[len(skipped) :]
        while (end := first_row(data, DELIMITERS)) == 0 and len(data) < MAX_ROW_BYTES:
            more = file.read(max(len(data), _START))
            if not more:
                break
            data += more
    if end == 0 and (len(data) >= MAX_ROW_BYTES or not first_row(data + b"\n", DELIMITERS)):
        raise TableError(f"{path.name}, line 1: {OPEN_QUOTE}")
    if not data.strip():
        raise TableError(f"{path.name} is empty")
    return skipped, data[: end or None]


def _cells(header: str, delimiter: str) -> list[str]:
    """None where this delimiter makes no row of it, or leaves a cell longer than a name can be."""
    try:
        return next(csv.reader([header], delimiter=delimiter))
    except csv.Error:
        return []


def _refuse_no_text(path: Path, start: bytes) -> None:
    if start.startswith(_UTF16):
        raise TableError(f"{path.name}: {NOT_UTF8}")
    if b"\0" in start:
        raise TableError(f"{path.name} is no text")
