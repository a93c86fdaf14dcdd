"""Reads NDJSON: each line is a JSON object, validated like a record of a request; unknown members are allowed.

Blank lines are skipped.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET
from msgspec.structs import astuple, fields

from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.faults import Fault, bounded_hints
from churn_api.contract.fields import EXACT_INTEGERS, INT64, PRINTABLE
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.contract.record_decoder import RowValues
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Feature
from churn_api.contract.struct import record_struct
from churn_api.tables.column_selection import clashing
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.ndjson_lines import check_members, member_text, nonblank_lines, parse_members, raw_members
from churn_api.tables.read_result import BlockFaults, ReadResult
from churn_api.tables.table_errors import TableFaults

_PRINTABLE = re.compile(PRINTABLE)
_NOT_AN_OBJECT = Fault("malformed-json", "The line is not one JSON object.")
_ARROW_TYPES = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "string": pa.string()}


class NdjsonReader:
    """Reads the blocks of one file. Raises TableFaults where a member to keep has the name of a result's column."""

    def __init__(
        self, records: RecordReader, layout: Layout, keep: Sequence[str] | None, reserved: frozenset[str]
    ) -> None:
        self._records = records
        self._path = Path(layout.path)
        self._features = {feature.name: feature for feature in records.signature.features}
        self._identifiers = identifier_names(records.signature)
        self._known = (*self._features, *self._identifiers)
        self._kept = tuple(dict.fromkeys(self._features if keep is None else keep))
        self._raw = frozenset(name for name in self._kept if self._is_kept_as_sent(name))
        self._decoder = self._make_decoder()
        self._builder = ColumnsBuilder(records.signature)
        faults = list(clashing(self._kept, reserved))
        if faults:
            raise TableFaults(faults)

    @bounded_hints()
    def read(self, block: Block) -> ReadResult:
        """Read the rows of a block; invalid rows become faults."""
        with self._path.open("rb") as file:
            file.seek(block.start)
            data = file.read(block.stop - block.start)
        numbers, lines = nonblank_lines(data)
        check_members(lines)
        rows, good, faults = self._rows(numbers, lines)
        values = _transposed([rows[row] for row in good], len(self._known))
        return ReadResult(
            columns=self._builder.build(values, len(good)),
            good=np.array(good, np.int64),
            count=len(rows),
            lines=data.count(b"\n") + (data[-1:] not in (b"", b"\n")),
            identifiers=pa.chunked_array([[_sent(row[len(self._features) :]) for row in rows]], pa.string()),
            faults=faults.first,
            more_faults=faults.more,
            unseen=dict(self._unseen(values)),
            kept=self._keep(rows, lines),
        )

    def _rows(self, numbers: list[int], lines: list[str | None]) -> tuple[list[RowValues], list[int], BlockFaults]:
        """All rows, the positions of the valid ones, and the faults of the others.

        An invalid row keeps the values that fit the types of their features.
        """
        rows: list[RowValues] = []
        good: list[int] = []
        faults = BlockFaults()
        for position, (number, line) in enumerate(zip(numbers, lines, strict=True)):
            row, error = self._read(line)
            rows.append(row)
            if error is None:
                good.append(position)
            else:
                faults.add(position, number, error)
        return rows, good, faults

    def _read(self, line: str | None) -> tuple[RowValues, InvalidRecord | None]:
        row = self._decode(line)
        return self._validate(line) if row is None else (row, None)

    def _decode(self, line: str | None) -> RowValues | None:
        if line is None or self._decoder is None:
            return None
        try:
            row: RowValues = astuple(self._decoder.decode(line))
        except (msgspec.MsgspecError, RecursionError):
            return None
        sent = [value for value in row[len(self._features) :] if value is not UNSET]
        if len(sent) > 1 or (sent and type(sent[0]) is str and not _PRINTABLE.fullmatch(sent[0])):
            return None
        return row

    def _validate(self, line: str | None) -> tuple[RowValues, InvalidRecord | None]:
        record = parse_members(line, self._known)
        if record is None:
            return (None,) * len(self._known), InvalidRecord([_NOT_AN_OBJECT])
        try:
            valid = self._records.read(record)
        except InvalidRecord as error:
            fitting = [_fitting(feature, record.get(name)) for name, feature in self._features.items()]
            return (*fitting, *map(record.get, self._identifiers)), error
        return (*valid.values, valid.customer_id, *(None,) * (len(self._identifiers) - 1)), None

    def _unseen(self, values: list[tuple[Any, ...]]) -> Iterator[tuple[str, int]]:
        for feature, column in zip(self._features.values(), values, strict=False):
            if feature.open:
                known = {None, *(feature.choices or ())}
                yield feature.name, sum(value not in known for value in column)

    def _keep(self, rows: list[RowValues], lines: list[str | None]) -> pa.Table:
        values = dict(zip(self._known, _transposed(rows, len(self._known)), strict=True))
        members = [raw_members(line) if self._raw else {} for line in lines]
        return pa.table(
            {
                name: pa.array([member_text(member.get(name)) for member in members], pa.string())
                if name in self._raw
                else pa.array(values[name], _ARROW_TYPES[self._features[name].type])
                for name in self._kept
            }
        )

    def _is_kept_as_sent(self, name: str) -> bool:
        """Whether a member to keep is not read as one type: no feature, a date, or a boolean with labels."""
        feature = self._features.get(name)
        return feature is None or feature.type == "date" or feature.labels is not None

    def _make_decoder(self) -> msgspec.json.Decoder[Any] | None:
        """A decoder that ignores unknown members; None where msgspec cannot match the name of a field."""
        struct = record_struct(self._records.signature)
        if tuple(field.encode_name for field in fields(struct)) != self._known:
            return None
        lenient = msgspec.defstruct("Row", [], bases=(struct,), forbid_unknown_fields=False, kw_only=True, gc=False)
        return msgspec.json.Decoder(lenient)


def _transposed(rows: list[RowValues], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _sent(identifiers: RowValues) -> str | None:
    """The identifier as text, under whichever name it was sent; None where it is neither text nor an exact integer."""
    for value in identifiers:
        if type(value) is str:
            return value
        if type(value) is int or (type(value) is float and abs(value) <= EXACT_INTEGERS[1]):
            return str(int(value))
    return None


def _fitting(feature: Feature, value: Any) -> Any:
    """A value of an invalid row where the type of its feature can represent it, else None."""
    if feature.type in ("boolean", "string"):
        return value if type(value) is (bool if feature.type == "boolean" else str) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if feature.type == "number":
        return float(value)
    return int(value) if value == int(value) and INT64[0] <= value < INT64[1] else None
