"""Writers: a table in parts, each encoded on its own, and the parts joined into one file."""

from typing import TYPE_CHECKING, BinaryIO

from churn_api.tables.formats import FORMATS

if TYPE_CHECKING:
    import pyarrow as pa


def encode(table: "pa.Table", format: str) -> bytes:  # noqa: A002
    """A block's rows as one part of a file: text without a header, or a small whole file."""
    return FORMATS[format].encode(table)


class Joiner:
    """Joins parts, in the order in which they are added, into a file that holds no more than one of them in memory.

    The same rows give the same bytes, and no parts give a file of no rows. `part_format` is that of the parts where it
    is not the format's own. Raises TooLarge, and so does every method, where the format cannot hold so much.
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
        """The next part, as `encode` made it."""
        if self._writer is None:
            self._sink.write(part)
        else:
            self._writer.write_table(self._parts.decode(part))

    def close(self) -> None:
        """Write what stands at a file's end. The sink stays open."""
        if self._writer is not None:
            self._writer.close()
