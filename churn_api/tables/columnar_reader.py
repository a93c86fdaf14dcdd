"""Rows of formats with columns: read a column at a time, and record by record where a row is not found good."""

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
from churn_api.tables.column_selection import select
from churn_api.tables.column_validation import ValidatedColumn, is_missing, judge, plain, plain_feature, value_of
from churn_api.tables.file_parts import Block, Cells, Layout
from churn_api.tables.identifiers import no_identifiers, validate_identifiers
from churn_api.tables.read_result import BlockFaults, Rows

SUSPECTS = 1024
"""Rows that are taken out of their columns at once to be judged one by one."""


ReadCells = Callable[[Layout, Block, Sequence[str], Sequence[str]], Cells]
"""Reads columns of a block; those of the last names may come as codes of distinct texts."""


class ColumnarReader:
    """Reads the blocks of one table by `read_cells`. Raises TableFaults where its columns will not do."""

    def __init__(
        self,
        records: RecordReader,
        layout: Layout,
        keep: Sequence[str] | None,
        reserved: frozenset[str],
        read_cells: ReadCells,
    ) -> None:
        self._records = records
        self._layout = layout
        self._read_cells = read_cells
        self._selection = select(layout.names, records.signature, keep, reserved)
        self._values = {feature.name: value_of(feature) for feature in self._selection.features}
        self._builder = ColumnsBuilder(records.signature)

    @bounded_hints()
    def read(self, block: Block) -> Rows:
        """The rows of a block. Raises TableError where it is no table."""
        cells = self._read_cells(self._layout, block, self._selection.names, self._selection.not_kept)
        read = dict(self._plain(cells.table))
        judged = {feature.name: judge(feature, read[feature.name]) for feature in self._selection.features}
        name, rows = self._selection.identifier, len(cells.places)
        identifiers = no_identifiers(rows) if name is None else validate_identifiers(read[name])
        columns = self._columns(judged, rows)
        good = np.logical_and.reduce([identifiers.good, *(column.good for column in judged.values())])
        faults = self._explain(pa.table(read), cells, columns, good)
        return Rows(
            columns=columns if good.all() else columns.take(np.flatnonzero(good)),
            good=cells.places[good],
            count=cells.rows,
            lines=cells.lines,
            identifiers=_spread(pa.chunked_array([identifiers.values]), cells),
            faults=faults.first,
            more_faults=faults.more,
            unseen={f.name: int((judged[f.name].unseen & good).sum()) for f in self._selection.features if f.open},
            kept=pa.table({name: _spread(cells.table.column(name), cells) for name in self._selection.kept}),
        )

    def _plain(self, table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
        """The cells of every feature and of the identifier."""
        for feature in self._selection.features:
            yield feature.name, plain_feature(feature, table.column(feature.name))
        name = self._selection.identifier
        if name is not None:
            yield name, plain(name, table.column(name))

    def _columns(self, judged: Mapping[str, ValidatedColumn], rows: int) -> Columns:
        """Columns of every feature, those that the table lacks too."""
        features = self._records.signature.features
        numeric = [feature.name for feature in features if feature.numeric]
        texts = [feature.name for feature in features if not feature.numeric]
        columns = Columns(np.empty((len(numeric), rows)).T, np.empty((len(texts), rows), object).T)
        for names, block, missing in ((numeric, columns.numbers, np.nan), (texts, columns.texts, "")):
            for index, name in enumerate(names):
                block[:, index] = judged[name].values if name in judged else missing
        return columns

    def _explain(self, read: pa.Table, cells: Cells, columns: Columns, good: NDArray[np.bool_]) -> BlockFaults:
        """The faults of the rows that are not good; one that record.py accepts becomes so, with its values."""
        faults = BlockFaults()
        judged = self._judge_one_by_one(read, cells, columns, good)
        for row, error in heapq.merge(judged, _ragged(cells), key=itemgetter(0)):
            faults.add(row, _line(cells, row), error)
        return faults

    def _judge_one_by_one(
        self, read: pa.Table, cells: Cells, columns: Columns, good: NDArray[np.bool_]
    ) -> Iterator[tuple[int, InvalidRecord]]:
        for place, record in self._suspects(read, np.flatnonzero(~good)):
            try:
                values = self._records.read(record).values
            except InvalidRecord as error:
                yield int(cells.places[place]), InvalidRecord([_of_cell(fault) for fault in error.faults], error.more)
            else:
                one = self._builder.build_from_rows([values])
                columns.numbers[place], columns.texts[place] = one.numbers[0], one.texts[0]
                good[place] = True

    def _suspects(self, read: pa.Table, places: NDArray[np.int64]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Rows as JSON records, each with its place."""
        for start in range(0, len(places), SUSPECTS):
            some = places[start : start + SUSPECTS]
            for place, row in zip(some, read.take(pa.array(some)).to_pylist(), strict=True):
                yield int(place), self._record(row)

    def _record(self, row: Mapping[str, Any]) -> dict[str, Any]:
        record = {name: cell for name, cell in row.items() if not is_missing(cell)}
        return record | {name: self._values[name](cell) for name, cell in record.items() if name in self._values}


def _ragged(cells: Cells) -> Iterator[tuple[int, InvalidRecord]]:
    for row, found, expected in cells.ragged:
        message = f"The row has {found} cells where the header has {expected}."
        yield row, InvalidRecord([Fault("ragged-row", message)])


def _line(cells: Cells, row: int) -> int:
    return row if cells.line_of is None else int(cells.line_of[row])


def _spread(column: pa.ChunkedArray, cells: Cells) -> pa.ChunkedArray:
    """The column with a null where a ragged row stood."""
    if not cells.ragged:
        return column
    places = np.full(cells.rows, -1)
    places[cells.places] = np.arange(len(cells.places))
    return column.take(pa.array(places, mask=places < 0))


def _of_cell(fault: Fault) -> Fault:
    """A fault without the hint that is for JSON alone."""
    return fault._replace(hint=None) if fault.hint in JSON_HINTS else fault
