"""Writes a table in parts: encodes each part separately, and joins parts into one file."""

from typing import TYPE_CHECKING, BinaryIO

from churn_api.tables.formats import FORMATS

if TYPE_CHECKING:
    import pyarrow as pa


def encode(table: "pa.Table", format: str) -> bytes:  # noqa: A002
    """Encode a block's rows as one part of a file: text without a header, or a small complete file."""
    return FORMATS[format].encode(table)


class Joiner:
    """Joins parts into one file, in the order of `add`, with at most one part in memory.

    The output is deterministic; without parts it is a file without rows. `part_format` is the format of the parts where
    it differs from the format's default. The constructor and every method raise TooLarge where the rows exceed the
    limits of the format.
    """

    def __init__(
        self,
        sink: BinaryIO,
        format: str,  # noqa: A002
        schema: "pa.Schema",
        part_format: str | None = None,
    ) -> None:
        self._sink = sink
        self._parts = FORMATS[part_format or FORMATS[format].part_format]
        self._writer = FORMATS[format].begin(sink, schema)

    def add(self, part: bytes) -> None:
        """Append a part that `encode` made."""
        if self._writer is None:
            self._sink.write(part)
        else:
            self._writer.write_table(self._parts.decode(part))

    def close(self) -> None:
        """Write the end of the file. The sink remains open."""
        if self._writer is not None:
            self._writer.close()
