"""The reader of records for other systems' protocols: it takes what /api/v1 takes, and all else that loses nothing.

The path of a fault is a record's index and a feature's name, or a name alone for a fault of a column. A protocol knows
where its body has them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from churn_api.contract.batch import Batch, paths_in_list
from churn_api.contract.batch_reader import BatchReader
from churn_api.contract.faults import Fault, Words, bounded_hints, did_you_mean
from churn_api.contract.fields import JSON_HINTS
from churn_api.contract.lenient_columns import ColumnReader, Values
from churn_api.contract.lenient_values import converter, identifier_value
from churn_api.contract.record import MAX_UNKNOWN_LISTED, UNKNOWN_FIELD, InvalidRecord
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.size_limits import TooManyRows

MANY = 8
"""Rows from which reading them by column is faster."""


class LenientReader:
    """Reads records of one signature. Create one per model."""

    def __init__(self, reader: BatchReader) -> None:
        self._reader = reader
        signature = reader.records.signature
        self.names = tuple(feature.name for feature in signature.features)
        """Of the features, in the order of records by position."""
        self._identifiers = identifier_names(signature)
        self._required = [feature.name for feature in signature.features if feature.required]
        self._optional = frozenset(self.names) - frozenset(self._required)
        self._target = signature.target.name
        self._converters = {feature.name: converter(feature) for feature in signature.features}
        self._converters |= dict.fromkeys(self._identifiers, identifier_value)
        self._columns = {feature.name: ColumnReader(feature) for feature in signature.features}

    def read_rows(self, rows: Sequence[object], limit: int, *, ignore_unknown: bool) -> Batch:
        """Read mappings, or sequences with one value for each feature in order. Invalid records become faults.

        Raises TooManyRows, or InvalidRecord where there are no rows.
        """
        if len(rows) > limit:
            raise TooManyRows(limit)
        columns = self._columns_of(rows, ignore_unknown) if len(rows) >= MANY else None
        if columns is not None and (batch := self._read_valid_columns(columns, len(rows))) is not None:
            return batch
        return self._read([self._record(row, ignore_unknown) for row in rows])

    def read_columns(self, columns: Mapping[str, Values], limit: int, *, ignore_unknown: bool) -> Batch:
        """Read records by field: sequences or arrays of equal length. Invalid records become faults.

        Raises TooManyRows, or InvalidRecord where there are no rows, a required column is missing, or one is unknown.
        """
        lengths = set(map(len, columns.values()))
        if len(lengths) > 1:
            raise InvalidRecord([Fault("not-valid", "Columns must have one length.")])
        rows = max(lengths, default=0)
        if rows > limit:
            raise TooManyRows(limit)
        faults = self._column_faults(list(columns), ignore_unknown)
        if faults:
            raise InvalidRecord(*self._with_faults_of_rows(faults, columns, rows))
        return self._read_valid_columns(columns, rows) or self._read(self._rows_of(columns))

    def _with_faults_of_rows(
        self, faults: list[Fault], columns: Mapping[str, Values], rows: int
    ) -> tuple[list[Fault], int]:
        """Faults of columns, then those of rows; and the number of faults that are left out."""
        if rows == 0:
            return faults, 0
        batch = self._read(self._rows_of(columns))
        missing = {fault.path[-1] for fault in faults}
        return [*faults, *(fault for fault in batch.faults if fault.path[-1] not in missing)], batch.more_faults

    def _read(self, rows: Sequence[object]) -> Batch:
        batch = self._reader.read_rows(rows, len(rows), paths_in_list())
        return batch._replace(faults=[self._explained(fault, rows) for fault in batch.faults])

    def _explained(self, fault: Fault, rows: Sequence[object]) -> Fault:
        """A fault in words that are true here."""
        if len(fault.path) == 1 and isinstance(rows[int(fault.path[0])], list | tuple):
            return Fault("wrong-length", f"Must have {len(self.names)} values, one for each feature.", path=fault.path)
        return fault._replace(hint=None) if fault.hint in JSON_HINTS else fault

    def _record(self, row: object, ignore_unknown: bool) -> object:
        if isinstance(row, Mapping):
            named: Iterable[tuple[Any, Any]] = row.items()
        elif isinstance(row, list | tuple) and len(row) == len(self.names):
            named = zip(self.names, row, strict=True)
        else:
            return row
        record = {}
        for name, value in named:
            convert = self._converters.get(name)
            if convert is not None:
                record[name] = convert(value)
            elif not ignore_unknown and name != self._target:
                record[name] = value
        # A gap in an optional feature may be sent, whether null is allowed or the feature has to be left out.
        return {name: value for name, value in record.items() if value is not None or name not in self._optional}

    def _columns_of(self, rows: Sequence[Any], ignore_unknown: bool) -> dict[str, Sequence[Any]] | None:
        """Rows by field; None where one of them is no record, lacks a required feature, or has an unknown one."""
        if all(isinstance(row, list) and len(row) == len(self.names) for row in rows):
            return dict(zip(self.names, zip(*rows, strict=True), strict=True))
        if not all(isinstance(row, dict) for row in rows):
            return None
        names = set[str]().union(*rows)
        if not ignore_unknown and not names <= {*self._converters, self._target}:
            return None
        try:
            columns: dict[str, Sequence[Any]] = {name: [row[name] for row in rows] for name in self._required}
        except KeyError:
            return None
        others = [name for name in self._converters if name in names and name not in columns]
        return columns | {name: [row.get(name) for row in rows] for name in others}

    def _rows_of(self, columns: Mapping[str, Values]) -> list[object]:
        plain = [values.tolist() if isinstance(values, np.ndarray) else values for values in columns.values()]
        rows = zip(*plain, strict=True)
        return [self._record(dict(zip(columns, row, strict=True)), ignore_unknown=True) for row in rows]

    def _column_faults(self, names: Sequence[str], ignore_unknown: bool) -> list[Fault]:
        unknown = [name for name in names if name not in self._converters and name != self._target]
        with bounded_hints():
            similar = Words(unknown)
            faults = [
                Fault("required", "This column is required.", _renamed(name, names, similar), (name,))
                for name in self._required
                if name not in names
            ]
            if not ignore_unknown:
                known = Words(self._converters)
                faults += [
                    Fault(UNKNOWN_FIELD, "Unknown column.", did_you_mean(name, known), (name,))
                    for name in unknown[:MAX_UNKNOWN_LISTED]
                ]
        return faults

    def _read_valid_columns(self, columns: Mapping[str, Values], rows: int) -> Batch | None:
        """The records, where every value of every column is valid; else None."""
        values = []
        for name in self.names:
            read = self._columns[name].read(columns[name]) if name in columns else [None] * rows
            if read is None:
                return None
            values.append(read)
        sent = [columns[name] for name in self._identifiers if name in columns]
        if len(sent) > 1 or rows == 0:
            return None
        identifiers = list(map(identifier_value, sent[0])) if sent else [None] * rows
        return self._reader.read_valid(values, identifiers)


def _renamed(name: str, names: Sequence[str], unknown: Words) -> str | None:
    """A hint at a column that may be a missing one, by its position: its name is the client's."""
    nearest = unknown.nearest(name)
    return None if nearest is None else f"Column {names.index(unknown.words[nearest]) + 1} is unknown: is it this one?"
