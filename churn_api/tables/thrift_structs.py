"""Reads structs of Thrift's compact protocol, the encoding of Parquet's footer and page headers.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 16
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
I32, I64 = 5, 6
_INTEGERS = (4, I32, I64)

Struct = dict[int, Any]
"""Values by field number: (type, integer) pairs, bytes, structs, and lists of these; None for other types."""


def integer(struct: Struct, field: int, kind: int) -> int | None:
    """An integer field of this type; None where it is absent or has another type."""
    value = struct.get(field)
    return value[1] if isinstance(value, tuple) and value[0] == kind else None


class StructReader:
    """Reads structs from bytes. Raises ValueError or IndexError where they are malformed.

    Fields must be in order and unique: of a repeated field, another reader could use the other value.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self.position = position

    def read(self, depth: int = 0) -> Struct:
        """Read the next struct."""
        if depth > MAX_DEPTH:
            raise ValueError("structs nested too deeply")
        return {number: self.value(kind, depth) for number, kind in self.fields()}

    def fields(self) -> Iterator[tuple[int, int]]:
        """The number and type of each field of the next struct; the caller must read a value before the next field."""
        number = 0
        while head := self._byte():
            last, number = number, number + (head >> 4) if head >> 4 else self._integer()
            if number <= last:
                raise ValueError("fields out of order")
            yield number, head & 15

    def value(self, kind: int, depth: int = 0) -> Any:
        """Read a value of this type."""
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
        """The type of each item of the next list; the caller must read a value before the next item."""
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
            raise IndexError("unexpected end of data")

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
                raise ValueError("a number of too many bytes")

    def _integer(self) -> int:
        """Zigzag: 0, -1, 1, -2, …"""
        value = self._natural()
        return (value >> 1) ^ -(value & 1)
