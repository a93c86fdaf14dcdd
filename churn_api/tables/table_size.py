"""Checks of a table's size. Error texts contain no value of the table."""

from pathlib import Path

from churn_api.contract.size_limits import CELL_BYTES, Bounds
from churn_api.tables.file_parts import BLOCK_ROWS, MAX_BLOCK_BYTES
from churn_api.tables.table_errors import TooLarge


def check_size(path: Path, size: int, max_bytes: int) -> int:
    """Return the size. Raises TooLarge where it exceeds `max_bytes`."""
    if size > max_bytes:
        raise TooLarge(f"{path.name} decompresses to more than {max_bytes} bytes")
    return size


def block_bytes(columns: int) -> int:
    """The maximum decompressed size of one block: the size of numbers in so many columns, and an allowance for text."""
    return MAX_BLOCK_BYTES + columns * BLOCK_ROWS * CELL_BYTES * 2


def check_columns(path: Path, columns: int, bounds: Bounds) -> None:
    """Raise TooLarge where there are more columns than allowed."""
    if bounds.columns is not None and columns > bounds.columns:
        raise TooLarge(f"{path.name} has more than {bounds.columns} columns")
