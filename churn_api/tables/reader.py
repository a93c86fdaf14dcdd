"""Rows: a block of a table -> its good records as columns, and the faults of the others.

A fast reader accepts a strict subset of what record.py accepts; whatever it rejects, record.py judges and explains.
"""

from collections.abc import Sequence

from churn_api.contract.record import RecordReader
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.formats import FORMATS
from churn_api.tables.read_result import RowFault, Rows

__all__ = ["RowFault", "Rows", "RowsReader"]


class RowsReader:
    """Reads the blocks of one table. `keep` names the columns that the result repeats: None for all, () for none.

    Raises TableFaults where the table lacks a required column, or one to keep is unknown or has a `reserved` name.
    """

    def __init__(
        self, records: RecordReader, layout: Layout, keep: Sequence[str] | None, reserved: frozenset[str]
    ) -> None:
        self._reader = FORMATS[layout.format].reader(records, layout, keep, reserved)

    def read(self, block: Block) -> Rows:
        """The rows of a block. Raises TableError where it is no table."""
        return self._reader.read(block)
