"""Structs as Thrift's compact protocol writes them, which is how Parquet writes its footer and its pages' headers.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
I32, I64 = 5, 6
_INTEGERS = (4, I32, I64)

Struct = dict[int, Any]
"""Values by the number of their fields: integers with their kind, texts, structs, lists of these; of all else None."""


def integer(struct: Struct, field: int, kind: int) -> int | None:
    """A field of this kind; None where there is none. A reader skips what is of another kind."""
    value = struct.get(field)
    return value[1] if isinstance(value, tuple) and value[0] == kind else None


class StructReader:
    """Reads what stands in some bytes. Raises ValueError or IndexError where it does not stand there.

    Fields must come in order, once each: of one that comes twice, another reader could take the other.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self.position = position

    def read(self, depth: int = 0) -> Struct:
        """The next struct."""
        if depth > MAX_DEPTH:
            raise ValueError("structs in structs")
        return {number: self.value(kind, depth) for number, kind in self.fields()}

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and kind of each field of the next struct; whoever asks reads its value before the next."""
        number = 0
        while head := self._byte():
            last, number = number, number + (head >> 4) if head >> 4 else self._integer()
            if number <= last:
                raise ValueError("fields out of order")
            yield number, head & 15

    def value(self, kind: int, depth: int = 0) -> Any:
        """A value of a kind."""
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in _INTEGERS:
            return kind, self._integer()
        if kind == _STRUCT:
            return self.read(depth + 1)
        if kind == _BINARY:
            size = self._natural()
            self._skip(size)
            return self._data[self.position - size : self.position]
        if kind in (_LIST, _SET):
            return [self._item(item, depth) for item in self.items()]
        self._skip({_BYTE: 1, _DOUBLE: 8}[kind])
        return None

    def items(self) -> Iterator[int]:
        """The kind of each item of the next list; whoever asks reads its value before the next."""
        head = self._byte()
        count = head >> 4 if head >> 4 != 15 else self._natural()
        for _ in range(count):
            yield head & 15

    def _item(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE):
            self._skip(1)
            return None
        return self.value(kind, depth + 1)

    def _skip(self, size: int) -> None:
        self.position += size
        if self.position > len(self._data):
            raise IndexError("it does not end")

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _natural(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("an endless number")

    def _integer(self) -> int:
        """Zigzag: 0, -1, 1, -2, …"""
        value = self._natural()
        return (value >> 1) ^ -(value & 1)
