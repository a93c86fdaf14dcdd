"""Arrow streams and files, written out in batches of one size, so that they can be read anywhere."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from churn_api.contract.bounds import CELL_BYTES, Bounds
from churn_api.tables.arrow_messages import messages
from churn_api.tables.arrow_types import is_readable, plain_bytes, plain_field
from churn_api.tables.file_parts import BLOCK_ROWS, MAX_MESSAGE_BYTES
from churn_api.tables.table_errors import TableError
from churn_api.tables.table_size import block_bytes, check_columns, check_size

BATCH_ROWS = BLOCK_ROWS
"""Rows of each batch of a regrouped Arrow file, except its last."""

_ARROW_FILE = b"ARROW1"
_STREAM_IN_FILE = 8
"""Where the stream stands that a file holds, its footer behind it."""


def regroup(path: Path, target: Path, bounds: Bounds) -> Path:
    """Write to `target` the rows of an Arrow stream or file, in batches of BATCH_ROWS, each column of its plain kind.

    Raises TableError, TooLarge where the rows take more than is allowed, or TooManyRows.
    """
    try:
        with pa.memory_map(str(path)) as source:
            start = _STREAM_IN_FILE * (source.read(len(_ARROW_FILE)) == _ARROW_FILE)
            source.seek(start)
            schema = pa.ipc.open_stream(source).schema
            check_columns(path, len(schema), bounds)
            source.seek(start)
            _check_messages(path, source, len(schema), bounds)
            source.seek(start)
            plain = pa.schema(map(plain_field, schema))
            write_regrouped(target, plain, _plain_batches(path, pa.ipc.open_stream(source), plain, bounds))
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, struct.error) as error:
        if isinstance(error, TableError) or getattr(error, "errno", None):
            raise  # what is beyond a bound, or the disk's fault: not the file's
        raise TableError(f"{path.name} is not a whole Arrow stream") from error
    return target


def write_regrouped(target: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches, of BATCH_ROWS rows each at most, as a file whose batches have BATCH_ROWS rows, except the last."""
    held: list[pa.RecordBatch] = []
    rows = 0
    with pa.ipc.new_file(target, schema) as writer:
        for batch in batches:
            held.append(batch)
            rows += batch.num_rows
            if rows >= BATCH_ROWS:
                whole = pa.concat_batches(held)
                writer.write_batch(whole.slice(0, BATCH_ROWS))
                held = [whole.slice(BATCH_ROWS)]
                rows -= BATCH_ROWS
        if rows:
            writer.write_batch(pa.concat_batches(held))


def _check_messages(path: Path, source: pa.NativeFile, columns: int, bounds: Bounds) -> None:
    """Raise TooManyRows or TooLarge where a stream is beyond its bounds: so far, nothing of it was decompressed."""
    rows = size = 0
    for message in messages(source):
        rows += message.rows
        bounds.check_rows(rows)
        size = check_size(path, size + max(message.bytes, message.rows * columns * CELL_BYTES), bounds.bytes)
        if message.compressed:
            check_size(path, message.bytes, MAX_MESSAGE_BYTES)


def _plain_batches(
    path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, bounds: Bounds
) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of BATCH_ROWS at most. What a batch decompresses to is known before it is."""
    size, most = 0, min(bounds.bytes, block_bytes(len(schema)))
    for batch in batches:
        readable = [name for name, field in zip(range(len(schema)), batch.schema, strict=True) if is_readable(field)]
        cells = batch.select(readable)
        cells.validate(full=True)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            some = cells.slice(start, BATCH_ROWS)
            size = check_size(path, size + check_size(path, plain_bytes(some), most), bounds.bytes)
            columns = [pa.nulls(some.num_rows)] * len(schema)
            for index, column in zip(readable, some.columns, strict=True):
                columns[index] = column.cast(schema.types[index])
            yield pa.record_batch(columns, schema=schema)
