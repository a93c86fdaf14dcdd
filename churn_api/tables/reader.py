"""Rows: a block of a table -> its good records as columns, and the faults of the others.

A fast reader accepts a strict subset of what record.py accepts; whatever it rejects, record.py judges and explains.
"""

from collections.abc import Sequence

from churn_api.contract.record import RecordReader
from churn_api.tables.blocks import Block
from churn_api.tables.columnar_reader import CellRows
from churn_api.tables.layout import Layout
from churn_api.tables.ndjson_reader import JsonRows
from churn_api.tables.read_result import RowFault, Rows

__all__ = ["RowFault", "Rows", "RowsReader"]


class RowsReader:
    """Reads the blocks of one table. `keep` names the columns that the result repeats: None for all, () for none.

    Raises TableFaults where the table lacks a required column, or one to keep is unknown or clashes with the result's.
    """

    def __init__(self, records: RecordReader, layout: Layout, keep: Sequence[str] | None) -> None:
        kind = JsonRows if layout.format == "ndjson" else CellRows
        self._reader: JsonRows | CellRows = kind(records, layout, keep)

    def read(self, block: Block) -> Rows:
        """The rows of a block. Raises TableError where it is no table."""
        return self._reader.read(block)
