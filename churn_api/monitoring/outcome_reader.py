"""Reads outcomes from JSON and from tables of every format."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from churn_api.contract.batch import paths_in_list
from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.faults import MAX_FAULTS, Fault
from churn_api.contract.record import InvalidRecord
from churn_api.contract.signature import Signature
from churn_api.contract.size_limits import TooManyRows
from churn_api.monitoring.customer_keys import CustomerKeys
from churn_api.monitoring.outcome_record import OUTCOMES, Outcome, OutcomeRows, outcome_signature, to_outcomes
from churn_api.tables.formats import FORMATS

if TYPE_CHECKING:
    from churn_api.tables.file_parts import Layout
    from churn_api.tables.read_result import ReadResult, RowFault


Numbered = list[tuple[int, Outcome]]
"""Outcomes, each with its position."""


class RowError(NamedTuple):
    """A fault of a row of a table."""

    row: int
    """As spreadsheets number rows: the header is row 1."""
    column: str | None
    code: str
    message: str
    hint: str | None


class InvalidOutcomes(Exception):
    """A table with invalid rows: `errors` are the first faults, `more` counts the others."""

    def __init__(self, errors: list[RowError], more: int) -> None:
        super().__init__(f"{len(errors) + more} cells are not valid")
        self.errors = errors
        self.more = more


class OutcomeReader:
    """Reads the outcomes of one model."""

    def __init__(self, model: Signature, keys: CustomerKeys) -> None:
        self._batches = BatchReader(outcome_signature(model))
        self._keys = keys

    def read_json(self, body: bytes, limit: int) -> Numbered:
        """The outcomes of a JSON body, each with its position in the list.

        Raises InvalidRecord with every fault, TooManyRows, TooManyMembers, or orjson.JSONDecodeError.
        """
        batch = self._batches.read_many(body, limit, OUTCOMES)
        path = paths_in_list(OUTCOMES)
        read = to_outcomes(batch.columns, batch.identifiers, list(batch.positions), self._keys)
        faults = batch.faults + [fault._replace(path=path(position, fault.path)) for position, fault in read.faults]
        if faults:
            more = batch.more_faults + len(faults[MAX_FAULTS:])
            raise InvalidRecord(sorted(faults, key=_position)[:MAX_FAULTS], more)
        return read.outcomes

    def read_table(self, layout: "Layout", limit: int | None = None) -> Iterator[Numbered]:
        """The outcomes of a file, block by block, each with its row's number in the file.

        Raises TableError, TableFaults, TooManyRows, or InvalidOutcomes after the last block.
        """
        # Imported here: a worker without tables needs no pyarrow.
        from churn_api.tables.blocks import blocks

        form = FORMATS[layout.format]
        reader = form.reader(self._batches.records, layout, (), frozenset())
        first = form.header_rows + layout.skipped_rows + 1
        rows, errors, more = 0, list[RowError](), 0
        for piece in (piece for block in blocks(layout) for piece in form.pieces(block)):
            result = reader.read(piece)
            if limit is not None and rows + result.count > limit:
                raise TooManyRows(limit)
            read = self._of_block(result)
            faults = [*result.faults, *(_row_fault(row, fault) for row, fault in read.faults)]
            errors += [
                RowError(first + rows + each.row, each.column, each.code, each.message, each.hint)
                for each in sorted(faults, key=lambda fault: fault.row)
            ]
            more += result.more_faults + len(errors[MAX_FAULTS:])
            del errors[MAX_FAULTS:]
            yield [(first + rows + row, outcome) for row, outcome in read.outcomes]
            rows += result.count
        if errors:
            raise InvalidOutcomes(errors, more)

    def _of_block(self, result: "ReadResult") -> OutcomeRows:
        identifiers, good = result.identifiers.to_pylist(), result.good.tolist()
        return to_outcomes(result.columns, [identifiers[row] for row in good], good, self._keys)


def _row_fault(row: int, fault: Fault) -> "RowFault":
    from churn_api.tables.read_result import RowFault

    return RowFault(row, 0, str(fault.path[0]), fault.code, fault.message, fault.hint)


def _position(fault: Fault) -> int:
    """The position in the list of the row that a fault is about."""
    return next((step for step in fault.path if isinstance(step, int)), -1)
