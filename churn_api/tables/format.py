"""The interface of table formats: names, splitting a file into blocks, reading, writing.

Importing a format does not import pyarrow: a web worker that never receives a table does not need it.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Protocol

from churn_api.contract.record import RecordReader
from churn_api.contract.size_limits import Bounds
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.read_options import AS_IT_IS, PreparedFile, ReadOptions

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.tables.read_result import ReadResult


class BlockReader(Protocol):
    """Reads the blocks of one file as records of one signature."""

    def read(self, block: Block) -> "ReadResult":
        """Read the rows of a block. Raises TableError where the block is not a table."""


class TableWriter(Protocol):
    """Writes tables to one file, one after another."""

    def write_table(self, table: "pa.Table") -> None:
        """Write the next rows."""

    def close(self) -> None:
        """Write the end of the file. The sink remains open."""


class Format(ABC):
    """A format of tables."""

    name: ClassVar[str]
    """The name in requests, jobs and commands."""
    title: ClassVar[str]
    """The display name."""
    content: ClassVar[str] = ""
    """For a binary format: what a file contains, and what writes one."""
    media_type: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    """Suffixes of file names, case-insensitive; files are written with the first one."""
    magic: ClassVar[tuple[bytes, ...]] = ()
    """First bytes that identify a file of this format."""
    gzipped: ClassVar[bool] = False
    """Whether files may be gzipped; formats with their own compression may not."""
    binary: ClassVar[bool] = True
    """Whether the format is binary, so that it is not written to a terminal."""
    header_rows: ClassVar[int] = 0
    """Rows before the first record, in the numbering of spreadsheets."""
    data_set: ClassVar[bool] = False
    """Whether other tools read a folder of such files as one table."""
    part_format: ClassVar[str]
    """The name of the format in which the parts of a file are encoded."""

    @property
    def suffix(self) -> str:
        """The suffix of written files."""
        return self.suffixes[0]

    def is_named(self, name: str) -> bool:
        """Whether a file name has a suffix of this format."""
        name = name.lower()
        return (name.removesuffix(".gz") if self.gzipped else name).endswith(self.suffixes)

    @abstractmethod
    def prepare(self, path: Path, folder: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> PreparedFile:
        """A file with random access: the file itself, or a decompressed or regrouped copy in `folder`.

        Raises TableError, TooLarge where it decompresses to more than allowed, or TooManyRows.
        """

    @abstractmethod
    def layout(self, path: Path, bounds: Bounds, options: ReadOptions = AS_IT_IS) -> Layout:
        """The layout of a nonempty file that `prepare` returned.

        Raises TableError where it is not a table, or TooLarge where it has more columns or decompressed bytes than
        allowed.
        """

    def has_more_rows(self, layout: Layout, most: int) -> bool:
        """Whether a file has more than `most` rows; reads no more of it than necessary."""
        return (layout.rows or 0) > most

    @abstractmethod
    def stops(self, layout: Layout, start: int) -> Iterator[int]:
        """The end of each block after `start`; may also yield the ends of blocks before it."""

    def pieces(self, block: Block) -> list[Block]:
        """A block as smaller blocks that are read one after another, to limit memory."""
        return [block]

    def read_cells(self, layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str] = ()) -> Cells:
        """Read the columns called `names` of a block. Raises TableError where the block is not a table.

        Text of the columns in `coded` may be dictionary-encoded, where the file stores it so.
        """
        raise NotImplementedError(f"{self.title} has no columns")

    def reader(
        self, records: RecordReader, layout: Layout, keep: Sequence[str] | None, reserved: frozenset[str]
    ) -> BlockReader:
        """A reader of a file's blocks as records. `keep` names the columns to copy into the result; None keeps all.

        Raises TableFaults where the columns do not match the signature, or one to keep has a `reserved` name of the
        result.
        """
        from churn_api.tables.columnar_reader import ColumnarReader

        return ColumnarReader(records, layout, keep, reserved, self.read_cells, typed=self.binary)

    def read_table(self, layout: Layout, blocks: Iterator[Block], unneeded: Collection[str] = ()) -> "pa.Table":
        """Read every column of a complete file, those that are `unneeded` only where they can be read.

        Raises TableError, with the row's number where a row is invalid.
        """
        from churn_api.tables.columnar_table import read_columns

        return read_columns(self.read_cells, self.header_rows + layout.skipped_rows, layout, blocks, unneeded)

    @abstractmethod
    def encode(self, table: "pa.Table") -> bytes:
        """Encode a block's rows as one part of a file: text without a header, or a small complete file."""

    def decode(self, part: bytes) -> "pa.Table":
        """Decode a part that `encode` made."""
        raise NotImplementedError(f"parts of {self.title} are concatenated, not decoded")

    @abstractmethod
    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> TableWriter | None:
        """Begin a file, and return the writer of its tables; None where parts are concatenated as bytes.

        Raises TooLarge where the format does not allow so many columns.
        """
