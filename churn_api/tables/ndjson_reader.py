"""Rows of NDJSON: each line is a JSON object, judged as in a request, but that it may have other members.

A blank line is no row.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson
import pyarrow as pa
from msgspec import UNSET, Raw
from msgspec.structs import astuple, fields

from churn_api.contract.bounds import MAX_COLUMNS
from churn_api.contract.columns import ColumnsBuilder
from churn_api.contract.faults import Fault, bounded_hints
from churn_api.contract.fields import EXACT_INTEGERS, INT64, PRINTABLE
from churn_api.contract.json_size import has_more_members, has_more_values
from churn_api.contract.record import InvalidRecord, RecordReader
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Feature
from churn_api.contract.struct import record_struct
from churn_api.tables.column_selection import clashing
from churn_api.tables.file_parts import Block, Layout
from churn_api.tables.read_result import BlockFaults, Rows
from churn_api.tables.table_errors import TableFaults, TooLarge
from churn_api.tables.text_blocks import WRITTEN_LINE

_PRINTABLE = re.compile(PRINTABLE)
_NO_OBJECT = Fault("malformed-json", "The line is not one JSON object.")
_KINDS = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "string": pa.string()}
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])

Row = tuple[Any, ...]
"""A value a feature, in the signature's order, then the identifier under each of its names."""


class NdjsonReader:
    """Reads the blocks of one file. Raises TableFaults where a member to keep clashes with the result's columns."""

    def __init__(
        self, records: RecordReader, layout: Layout, keep: Sequence[str] | None, reserved: frozenset[str]
    ) -> None:
        self._records = records
        self._path = Path(layout.path)
        self._features = {feature.name: feature for feature in records.signature.features}
        self._identifiers = identifier_names(records.signature)
        self._known = (*self._features, *self._identifiers)
        self._kept = tuple(dict.fromkeys(self._features if keep is None else keep))
        self._others = [name for name in self._kept if name not in self._features]
        self._decoder = self._fast_decoder()
        self._builder = ColumnsBuilder(records.signature)
        faults = list(clashing(self._kept, reserved))
        if faults:
            raise TableFaults(faults)

    @bounded_hints()
    def read(self, block: Block) -> Rows:
        """The rows of a block, whatever is wrong with some of them."""
        with self._path.open("rb") as file:
            file.seek(block.start)
            data = file.read(block.stop - block.start)
        numbers, lines = _written(data)
        _check_members(lines)
        rows, good, faults = self._rows(numbers, lines)
        values = _transposed([rows[row] for row in good], len(self._known))
        return Rows(
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

    def _rows(self, numbers: list[int], lines: list[str | None]) -> tuple[list[Row], list[int], BlockFaults]:
        """Every row, the good ones among them, and the faults of the others, which hold what fits a feature's type."""
        rows: list[Row] = []
        good: list[int] = []
        faults = BlockFaults()
        for place, (number, line) in enumerate(zip(numbers, lines, strict=True)):
            row, error = self._read(line)
            rows.append(row)
            if error is None:
                good.append(place)
            else:
                faults.add(place, number, error)
        return rows, good, faults

    def _read(self, line: str | None) -> tuple[Row, InvalidRecord | None]:
        row = self._fast(line)
        return self._judged(line) if row is None else (row, None)

    def _fast(self, line: str | None) -> Row | None:
        if line is None or self._decoder is None:
            return None
        try:
            row: Row = astuple(self._decoder.decode(line))
        except (msgspec.MsgspecError, RecursionError):
            return None
        sent = [value for value in row[len(self._features) :] if value is not UNSET]
        if len(sent) > 1 or (sent and type(sent[0]) is str and not _PRINTABLE.fullmatch(sent[0])):
            return None
        return row

    def _judged(self, line: str | None) -> tuple[Row, InvalidRecord | None]:
        record = _parsed(line, self._known)
        if record is None:
            return (None,) * len(self._known), InvalidRecord([_NO_OBJECT])
        try:
            found = self._records.read(record)
        except InvalidRecord as error:
            fitting = [_fitting(feature, record.get(name)) for name, feature in self._features.items()]
            return (*fitting, *map(record.get, self._identifiers)), error
        return (*found.values, found.customer_id, *(None,) * (len(self._identifiers) - 1)), None

    def _unseen(self, values: list[tuple[Any, ...]]) -> Iterator[tuple[str, int]]:
        for feature, column in zip(self._features.values(), values, strict=False):
            if feature.open:
                known = {None, *(feature.choices or ())}
                yield feature.name, sum(value not in known for value in column)

    def _keep(self, rows: list[Row], lines: list[str | None]) -> pa.Table:
        values = dict(zip(self._known, _transposed(rows, len(self._known)), strict=True))
        members = [_members(line) if self._others else {} for line in lines]
        return pa.table(
            {
                name: pa.array(values[name], _KINDS[self._features[name].type])
                if name in self._features
                else pa.array([_as_text(member.get(name)) for member in members], pa.string())
                for name in self._kept
            }
        )

    def _fast_decoder(self) -> msgspec.json.Decoder[Any] | None:
        """A decoder that takes other members too; None where a field has a name that it could not find."""
        struct = record_struct(self._records.signature)
        if tuple(field.encode_name for field in fields(struct)) != self._known:
            return None
        lenient = msgspec.defstruct("Row", [], bases=(struct,), forbid_unknown_fields=False, kw_only=True, gc=False)
        return msgspec.json.Decoder(lenient)


def _written(data: bytes) -> tuple[list[int], list[str | None]]:
    """The lines of a block that are not blank, each with its number from 0; one that is no UTF-8 as None."""
    numbers: list[int] = []
    lines: list[str | None] = []
    number = end = 0
    for line in WRITTEN_LINE.finditer(data):
        number += data.count(b"\n", end, line.start())
        end = line.start()
        numbers.append(number)
        lines.append(_decoded(line.group()))
    return numbers, lines


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _members(line: str | None) -> dict[str, Raw]:
    """The members of a line, each as it stands; none where it is no object."""
    try:
        return _MEMBERS.decode(line or "")
    except (msgspec.MsgspecError, RecursionError):
        return {}


def _parsed(line: str | None, names: Sequence[str]) -> dict[str, Any] | None:
    """The members of these names, or None where the line is no object."""
    try:
        members = _MEMBERS.decode(line or "")
        return {name: _value(bytes(members[name])) for name in names if name in members}
    except (msgspec.MsgspecError, RecursionError, orjson.JSONDecodeError):
        return None


def _value(member: bytes) -> Any:
    """A member's value; of one with so many values within it that no record is meant, as good a list as any."""
    return [] if has_more_values(member, MAX_COLUMNS) else orjson.loads(member)


def _check_members(lines: list[str | None]) -> None:
    """Raise TooLarge where a line has more members than a table may have columns."""
    for line in lines:
        if line and len(line) > MAX_COLUMNS and has_more_members(line.encode(), MAX_COLUMNS):
            raise TooLarge(f"a line has more than {MAX_COLUMNS} members")


def _transposed(rows: list[Row], width: int) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _as_text(member: Raw | None) -> str | None:
    """A string as it is, null and what was not sent as null, all else as JSON."""
    text = "null" if member is None else bytes(member).decode()
    return msgspec.json.decode(text, type=str | None) if text.startswith(('"', "null")) else text


def _sent(identifiers: Row) -> str | None:
    """The identifier as text, under whichever name it was sent; null where it is neither text nor an exact integer."""
    for value in identifiers:
        if type(value) is str:
            return value
        if type(value) is int or (type(value) is float and abs(value) <= EXACT_INTEGERS[1]):
            return str(int(value))
    return None


def _fitting(feature: Feature, value: Any) -> Any:
    """The value of a faulty row, if the column of its feature can hold it."""
    if feature.type in ("boolean", "string"):
        return value if type(value) is (bool if feature.type == "boolean" else str) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if feature.type == "number":
        return float(value)
    return int(value) if value == int(value) and INT64[0] <= value < INT64[1] else None
