"""Reads formats with columns: a column at a time; rows that fail are validated again one by one."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.faults import Fault, bounded_hints
from churn_api.contract.fields import JSON_HINTS
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.tables.cell_values import is_missing, json_converter, plain_column, plain_feature_column
from churn_api.tables.column_selection import select
from churn_api.tables.column_validation import ValidatedColumn, validate_column
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.identifiers import no_identifiers, validate_identifiers
from churn_api.tables.read_result import BlockFaults, ReadResult

RECHECK_ROWS = 1024
"""Rows converted to records at a time to be validated one by one."""


ReadCells = Callable[[Layout, Block, Sequence[str], Sequence[str]], Cells]
"""Reads the named columns of a block; columns in the last argument may be dictionary-encoded."""


class ColumnarReader:
    """Reads the blocks of one table with `read_cells`; `typed` where its format has types.

    Raises TableFaults where columns do not match.
    """

    def __init__(
        self,
        records: RecordReader,
        layout: Layout,
        keep: Sequence[str] | None,
        reserved: frozenset[str],
        read_cells: ReadCells,
        *,
        typed: bool,
    ) -> None:
        self._records = records
        self._layout = layout
        self._read_cells = read_cells
        self._typed = typed
        self._selection = select(layout.names, records.signature, keep, reserved)
        self._converters = {feature.name: json_converter(feature) for feature in self._selection.features}
        self._builder = ColumnsBuilder(records.signature)

    @bounded_hints()
    def read(self, block: Block) -> ReadResult:
        """Read the rows of a block. Raises TableError where the block is not a table."""
        cells = self._read_cells(self._layout, block, self._selection.names, self._selection.not_kept)
        read = dict(self._plain(cells.table))
        validated = {feature.name: validate_column(feature, read[feature.name]) for feature in self._selection.features}
        name, rows = self._selection.identifier, len(cells.positions)
        identifiers = no_identifiers(rows) if name is None else validate_identifiers(read[name])
        columns = self._columns(validated, rows)
        good = np.logical_and.reduce([identifiers.good, *(column.good for column in validated.values())])
        faults = self._explain(pa.table(read), cells, columns, good)
        return ReadResult(
            columns=columns if good.all() else columns.take(np.flatnonzero(good)),
            good=cells.positions[good],
            count=cells.rows,
            lines=cells.lines,
            identifiers=_spread(pa.chunked_array([identifiers.values]), cells),
            faults=faults.first,
            more_faults=faults.more,
            unseen={f.name: int((validated[f.name].unseen & good).sum()) for f in self._selection.features if f.open},
            kept=pa.table({name: _spread(cells.table.column(name), cells) for name in self._selection.kept}),
        )

    def _plain(self, table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
        """The cells of every feature and of the identifier, in plain types."""
        for feature in self._selection.features:
            yield feature.name, plain_feature_column(feature, table.column(feature.name), typed=self._typed)
        name = self._selection.identifier
        if name is not None:
            yield name, plain_column(name, table.column(name))

    def _columns(self, validated: Mapping[str, ValidatedColumn], rows: int) -> Columns:
        """Columns of every feature; a feature that the table lacks is missing in every row."""
        features = self._records.signature.features
        numeric = [feature.name for feature in features if feature.numeric]
        texts = [feature.name for feature in features if not feature.numeric]
        columns = Columns(np.empty((len(numeric), rows)).T, np.empty((len(texts), rows), object).T)
        for names, block, missing in ((numeric, columns.numbers, np.nan), (texts, columns.texts, "")):
            for index, name in enumerate(names):
                block[:, index] = validated[name].values if name in validated else missing
        return columns

    def _explain(self, read: pa.Table, cells: Cells, columns: Columns, good: NDArray[np.bool_]) -> BlockFaults:
        """The faults of the rows that are not good.

        Where record.py accepts such a row, `good` and `columns` are updated in place.
        """
        faults = BlockFaults()
        validated = self._validate_one_by_one(read, cells, columns, good)
        for row, error in heapq.merge(validated, _ragged(cells), key=itemgetter(0)):
            faults.add(row, _line(cells, row), error)
        return faults

    def _validate_one_by_one(
        self, read: pa.Table, cells: Cells, columns: Columns, good: NDArray[np.bool_]
    ) -> Iterator[tuple[int, InvalidRecord]]:
        for position, record in self._records_of(read, np.flatnonzero(~good)):
            try:
                values = self._records.read(record).values
            except InvalidRecord as error:
                yield (
                    int(cells.positions[position]),
                    InvalidRecord([_without_json_hint(fault) for fault in error.faults], error.more),
                )
            else:
                row = self._builder.build_from_rows([values])
                columns.numbers[position], columns.texts[position] = row.numbers[0], row.texts[0]
                good[position] = True

    def _records_of(self, read: pa.Table, positions: NDArray[np.int64]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows at `positions` as JSON records, each with its position."""
        for start in range(0, len(positions), RECHECK_ROWS):
            chunk = positions[start : start + RECHECK_ROWS]
            for position, row in zip(chunk, read.take(pa.array(chunk)).to_pylist(), strict=True):
                yield int(position), self._record(row)

    def _record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        record = {name: cell for name, cell in row.items() if not is_missing(cell)}
        return record | {
            name: self._converters[name](cell) for name, cell in record.items() if name in self._converters
        }


def _ragged(cells: Cells) -> Iterator[tuple[int, InvalidRecord]]:
    for row, actual, expected in cells.ragged:
        message = f"The row has {actual} cells where the header has {expected}."
        yield row, InvalidRecord([Fault("ragged-row", message)])


def _line(cells: Cells, row: int) -> int:
    return row if cells.line_of is None else int(cells.line_of[row])


def _spread(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """The column with a null for each ragged row."""
    if not cells.ragged:
        return column
    indices = np.full(cells.rows, -1)
    indices[cells.positions] = np.arange(len(cells.positions))
    return column.take(pa.array(indices, mask=indices < 0))


def _without_json_hint(fault: Fault) -> Fault:
    """A fault without a hint that applies to JSON only."""
    return fault._replace(hint=None) if fault.hint in JSON_HINTS else fault
