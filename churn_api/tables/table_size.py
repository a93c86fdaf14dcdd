"""Where a table passes its bounds. Its text names no value of the table."""

from pathlib import Path

from churn_api.contract.bounds import CELL_BYTES, Bounds
from churn_api.tables.file_parts import BLOCK_ROWS, MAX_BLOCK_BYTES
from churn_api.tables.table_errors import TooLarge


def check_size(path: Path, size: int, max_bytes: int) -> int:
    """The size. Raises TooLarge where it is more than `max_bytes`."""
    if size > max_bytes:
        raise TooLarge(f"{path.name} decompresses to more than {max_bytes} bytes")
    return size


def block_bytes(columns: int) -> int:
    """What the rows of one block may decompress to: as much as numbers take in so many columns, and some text."""
    return MAX_BLOCK_BYTES + columns * BLOCK_ROWS * CELL_BYTES * 2


def check_columns(path: Path, columns: int, bounds: Bounds) -> None:
    """Raise TooLarge where there are more columns than are allowed."""
    if bounds.columns is not None and columns > bounds.columns:
        raise TooLarge(f"{path.name} has more than {bounds.columns} columns")
