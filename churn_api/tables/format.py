"""What a format of tables is: how it is called, how a file of it is cut into blocks and read, and how one is written.

Importing a format loads neither pyarrow nor anything as large: a web worker that meets no table never needs it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Protocol

from churn_api.contract.bounds import Bounds
from churn_api.contract.record import RecordReader
from churn_api.tables.file_parts import Block, Cells, Layout

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_api.tables.read_result import Rows


class BlockReader(Protocol):
    """Reads the blocks of one file as records of one signature."""

    def read(self, block: Block) -> "Rows":
        """The rows of a block. Raises TableError where it is no table."""


class TableWriter(Protocol):
    """Writes the tables of one file, one after another."""

    def write_table(self, table: "pa.Table") -> None:
        """The next rows."""

    def close(self) -> None:
        """Write what stands at a file's end. The sink stays open."""


class Format(ABC):
    """One format of tables."""

    name: ClassVar[str]
    """By which requests, jobs and commands ask for it."""
    title: ClassVar[str]
    """As people call it."""
    content: ClassVar[str] = ""
    """Of one that is not text: what a file of it is, and what writes one."""
    media_type: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    """That a file's name may end in, in any case; files are written with the first."""
    magic: ClassVar[tuple[bytes, ...]] = ()
    """What a file of it may begin with, and one of no other format does."""
    gzipped: ClassVar[bool] = False
    """Whether it may come gzipped; what is compressed within itself may not."""
    binary: ClassVar[bool] = True
    """Whether it is nothing to read on a terminal."""
    header_rows: ClassVar[int] = 0
    """Rows that a spreadsheet counts before the first record."""
    data_set: ClassVar[bool] = False
    """Whether files of it side by side are what others read as one table."""
    part_format: ClassVar[str]
    """Name of the format in which a file's parts are encoded."""

    @property
    def suffix(self) -> str:
        """That files are written with."""
        return self.suffixes[0]

    def is_named(self, name: str) -> bool:
        """Whether a file of this name is of this format."""
        name = name.lower()
        return (name.removesuffix(".gz") if self.gzipped else name).endswith(self.suffixes)

    @abstractmethod
    def prepare(self, path: Path, folder: Path, bounds: Bounds) -> Path:
        """A file that can be read anywhere in it: the file itself, or what it decompresses to, written into `folder`.

        Raises TableError, TooLarge where it decompresses to more than is allowed, or TooManyRows where that is seen.
        """

    @abstractmethod
    def layout(self, path: Path, bounds: Bounds) -> Layout:
        """The layout of a file that `prepare` returned, and that is not empty.

        Raises TableError: it is no table, or TooLarge: it has more columns, or decompresses to more, than is allowed.
        """

    def has_more_rows(self, layout: Layout, most: int) -> bool:
        """Whether a file has more than `most` rows; no more of it is read than that takes."""
        return (layout.rows or 0) > most

    @abstractmethod
    def stops(self, layout: Layout, start: int) -> Iterator[int]:
        """The end of each block after `start`; of those before it too, where they are known anyway."""

    def pieces(self, block: Block) -> list[Block]:
        """A block in parts that are read one after another, so that its cells are never in memory all at once."""
        return [block]

    def read_cells(self, layout: Layout, block: Block, names: Sequence[str], coded: Sequence[str] = ()) -> Cells:
        """The columns called `names` of a block. Raises TableError where the block is no table.

        Text of the columns `coded` may come as codes of distinct texts, where the file holds it so.
        """
        raise NotImplementedError(f"{self.title} has no columns")

    def reader(
        self, records: RecordReader, layout: Layout, keep: Sequence[str] | None, reserved: frozenset[str]
    ) -> BlockReader:
        """A reader of a file's blocks as records. `keep` names the columns that the result repeats: None for all.

        Raises TableFaults where the columns will not do, or one to keep has a `reserved` name, one of the result's.
        """
        from churn_api.tables.columnar_reader import ColumnarReader

        return ColumnarReader(records, layout, keep, reserved, self.read_cells)

    def read_table(self, layout: Layout, blocks: Iterator[Block]) -> "pa.Table":
        """Every column of a whole file. Raises TableError, with the row's number where a row is at fault."""
        from churn_api.tables.columnar_table import read_columns

        return read_columns(self.read_cells, self.header_rows, layout, blocks)

    @abstractmethod
    def encode(self, table: "pa.Table") -> bytes:
        """A block's rows as one part of a file: text without a header, or a small whole file."""

    def decode(self, part: bytes) -> "pa.Table":
        """The rows of a part that `encode` made."""
        raise NotImplementedError(f"parts of {self.title} are joined as they stand")

    @abstractmethod
    def begin(self, sink: BinaryIO, schema: "pa.Schema") -> TableWriter | None:
        """Begin a file. What writes its tables; or None where its parts just follow each other.

        Raises TooLarge where the format cannot hold so many columns.
        """
