"""The messages of an Arrow stream: their rows and decompressed sizes, read without decompressing anything.

https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

MESSAGE_BYTES = 1 << 10
"""The least that a message counts for, since reading even an empty message takes time."""

_DICTIONARY, _BATCH = 2, 3
_NOT_COMPRESSED = -1


class Message(NamedTuple):
    """A record batch or a dictionary batch."""

    rows: int
    """0 for a dictionary batch."""
    bytes: int
    """Decompressed size."""
    compressed: bool


class _Table(NamedTuple):
    """A FlatBuffers table: its data, and its offset there. https://flatbuffers.dev/internals/"""

    data: bytes
    start: int

    def offset_of(self, field: int) -> int:
        """The offset of a field; 0 where it is absent."""
        fields = self.start - self.number("<i", self.start)
        slot = 4 + 2 * field
        offset = self.number("<H", fields + slot) if slot < self.number("<H", fields) else 0
        return offset and self.start + offset

    def number(self, form: str, offset: int) -> int:
        """The number at an offset, in a format of `struct`."""
        (value,) = struct.unpack_from(form, self.data, offset)
        return int(value)

    def table(self, field: int) -> "_Table":
        """The table that a field refers to. Raises ValueError where the field is absent."""
        offset = self.offset_of(field)
        if not offset:
            raise ValueError("no table")
        return _Table(self.data, offset + self.number("<I", offset))


def messages(source: pa.NativeFile) -> Iterator[Message]:
    """Every record and dictionary batch of a stream.

    Raises ArrowException, struct.error or ValueError where it is not an Arrow stream.
    """
    reader = pa.ipc.MessageReader.open_stream(source)
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        batch = _read(message)
        if batch is not None:
            yield batch


def _read(message: pa.Message) -> Message | None:
    data = message.metadata.to_pybytes()
    root = _Table(data, struct.unpack_from("<I", data)[0])
    kind = root.number("<B", root.offset_of(1)) if root.offset_of(1) else 0
    if kind == _BATCH:
        return _batch(root.table(2), message.body, rows=True)
    if kind == _DICTIONARY:
        return _batch(root.table(2).table(1), message.body, rows=False)
    return None


def _batch(batch: _Table, body: pa.Buffer | None, *, rows: bool) -> Message:
    compressed = batch.offset_of(3) != 0
    length = batch.number("<q", batch.offset_of(0)) if batch.offset_of(0) else 0
    size = sum(_size(offset, length, body if compressed else None) for offset, length in _buffers(batch))
    if length < 0:
        raise ValueError("a negative number of rows")
    return Message(length if rows else 0, max(size, MESSAGE_BYTES), compressed)


def _buffers(batch: _Table) -> Iterator[tuple[int, int]]:
    """The offset and length of each buffer within a batch's body."""
    start = batch.offset_of(2)
    if not start:
        return
    start += batch.number("<I", start)
    count = batch.number("<I", start)
    yield from struct.iter_unpack("<qq", batch.data[start + 4 : start + 4 + 16 * count])


def _size(offset: int, length: int, body: pa.Buffer | None) -> int:
    """The decompressed size of a buffer; a compressed buffer begins with it."""
    if length <= 0 or body is None:
        return max(0, length)
    (size,) = struct.unpack_from("<q", body, offset)
    return length if size == _NOT_COMPRESSED else max(0, int(size))
