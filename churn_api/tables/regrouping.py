"""Arrow streams and files, written out in batches of one size, so that they can be read anywhere."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from churn_api.tables.arrow_types import plain_kind
from churn_api.tables.decompression import within
from churn_api.tables.errors import TableError
from churn_api.tables.file_parts import BLOCK_ROWS

BATCH_ROWS = BLOCK_ROWS
"""Rows of each batch of a regrouped Arrow file, except its last."""

_ARROW_FILE = b"ARROW1"


def regroup(path: Path, target: Path, max_bytes: int) -> Path:
    """Write to `target` the rows of an Arrow stream or file, in batches of BATCH_ROWS, each column of its plain kind.

    Raises TableError, or TooLarge where the rows take more than `max_bytes` of memory.
    """
    try:
        with pa.memory_map(str(path)) as source:
            schema, batches = _read_arrow(source)
            plain = pa.schema([(field.name, plain_kind(field.type)) for field in schema])
            write_regrouped(target, plain, _plain_batches(path, batches, plain, max_bytes))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None):  # the disk's fault, and not the file's
            raise
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


def _read_arrow(source: pa.NativeFile) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    if source.read(len(_ARROW_FILE)) == _ARROW_FILE:
        file = pa.ipc.open_file(source)
        return file.schema, map(file.get_batch, range(file.num_record_batches))
    source.seek(0)
    stream = pa.ipc.open_stream(source)
    return stream.schema, iter(stream)


def _plain_batches(
    path: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema, max_bytes: int
) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of BATCH_ROWS at most. What a batch unfolds to is known before it is unfolded."""
    size = 0
    for batch in batches:
        batch.validate(full=True)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            columns = batch.slice(start, BATCH_ROWS).columns
            size = within(path, size + sum(map(_plain_bytes, columns)), max_bytes)
            plain = [column.cast(kind) for column, kind in zip(columns, schema.types, strict=True)]
            yield pa.record_batch(plain, schema=schema)


def _plain_bytes(column: pa.Array) -> int:
    """What a column takes once it is of its plain kind, where one text may be shared by many rows."""
    if pa.types.is_dictionary(column.type) and plain_kind(column.type) == pa.string():
        lengths = pc.binary_length(column.dictionary.cast(pa.string())).take(column.indices)
    elif pa.types.is_string_view(column.type):
        lengths = pc.binary_length(column)
    else:
        return int(column.nbytes)
    return pc.sum(lengths).as_py() or 0
