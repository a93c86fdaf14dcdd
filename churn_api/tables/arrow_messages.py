"""The messages of an Arrow stream: how many rows each holds, and what it decompresses to, before anything is.

https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

MESSAGE_BYTES = 1 << 10
"""What a message counts for at least: looking at it takes its time, however little it holds."""

_DICTIONARY, _BATCH = 2, 3
_NOT_COMPRESSED = -1


class Message(NamedTuple):
    """One batch of rows, or of a dictionary's values."""

    rows: int
    """0 of a dictionary."""
    bytes: int
    """Once it is decompressed."""
    compressed: bool


class _Table(NamedTuple):
    """A table of FlatBuffers: where it stands in its data. https://flatbuffers.dev/internals/"""

    data: bytes
    start: int

    def at(self, field: int) -> int:
        """Where a field stands; 0 where there is none."""
        fields = self.start - self.number("<i", self.start)
        slot = 4 + 2 * field
        offset = self.number("<H", fields + slot) if slot < self.number("<H", fields) else 0
        return offset and self.start + offset

    def number(self, form: str, place: int) -> int:
        """A number that stands at a place."""
        (value,) = struct.unpack_from(form, self.data, place)
        return int(value)

    def table(self, field: int) -> "_Table":
        """The table that a field leads to."""
        place = self.at(field)
        if not place:
            raise ValueError("no table")
        return _Table(self.data, place + self.number("<I", place))


def messages(source: pa.NativeFile) -> Iterator[Message]:
    """Every batch and dictionary of a stream. Raises ArrowException, struct.error or ValueError where it is none."""
    reader = pa.ipc.MessageReader.open_stream(source)
    while True:
        try:
            message = reader.read_next_message()
        except StopIteration:
            return
        found = _read(message)
        if found is not None:
            yield found


def _read(message: pa.Message) -> Message | None:
    data = message.metadata.to_pybytes()
    root = _Table(data, struct.unpack_from("<I", data)[0])
    kind = root.number("<B", root.at(1)) if root.at(1) else 0
    if kind == _BATCH:
        return _batch(root.table(2), message.body, rows=True)
    if kind == _DICTIONARY:
        return _batch(root.table(2).table(1), message.body, rows=False)
    return None


def _batch(batch: _Table, body: pa.Buffer | None, *, rows: bool) -> Message:
    compressed = batch.at(3) != 0
    length = batch.number("<q", batch.at(0)) if batch.at(0) else 0
    size = sum(_size(offset, length, body if compressed else None) for offset, length in _buffers(batch))
    if length < 0:
        raise ValueError("fewer than no rows")
    return Message(length if rows else 0, max(size, MESSAGE_BYTES), compressed)


def _buffers(batch: _Table) -> Iterator[tuple[int, int]]:
    """Offset and length of each of a batch's buffers within its body."""
    place = batch.at(2)
    if not place:
        return
    place += batch.number("<I", place)
    count = batch.number("<I", place)
    yield from struct.iter_unpack("<qq", batch.data[place + 4 : place + 4 + 16 * count])


def _size(offset: int, length: int, body: pa.Buffer | None) -> int:
    """What a buffer takes; where it is compressed, its first bytes say so."""
    if length <= 0 or body is None:
        return max(0, length)
    (size,) = struct.unpack_from("<q", body, offset)
    return length if size == _NOT_COMPRESSED else max(0, int(size))
