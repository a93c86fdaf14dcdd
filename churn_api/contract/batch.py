"""Records in any form -> columns: a body's bytes, Python records or named columns.

Structs read them; record.py explains what they reject. Whoever sends them says where a fault lies: `Place`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from churn_api.contract.batch_body import UNREADABLE, check_list, parsed_record
from churn_api.contract.bounds import TooManyRows
from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.faults import MAX_TOLD, Fault, FirstFaults, bounded_hints
from churn_api.contract.fields import PRINTABLE
from churn_api.contract.json_size import has_longer_list, may_have_longer_list
from churn_api.contract.record import InvalidRecord, Record, RecordReader, identifier_names
from churn_api.contract.signature import Signature
from churn_api.contract.struct import list_struct, record_struct
from churn_api.contract.unicode_text import is_unicode

CUSTOMERS = "customers"

_PRINTABLE = re.compile(PRINTABLE)

Path = tuple[str | int, ...]
Place = Callable[[int, Path], Path]
"""From a record's number, and a path within it, to the path from the root of what was sent."""
Row = tuple[Any, ...]
"""A record: its values in the signature's order, then its identifier under each of its names."""


class Batch(NamedTuple):
    """What was sent: its good records as columns, and the faults of the others."""

    identifiers: list[Any]
    columns: Columns
    positions: Sequence[int]
    """The number of each good record among all that were sent."""
    sent: int
    """How many records were sent."""
    faults: list[Fault]
    warnings: list[Fault]
    """Categories of open features that training did not see, each with its place."""
    more_faults: int = 0
    """That are not among the faults."""
    more_warnings: int = 0


def within(*parents: str | int) -> Place:
    """The place of records in a list at `parents`: `#/customers/3/age`."""
    return lambda number, path: (*parents, number, *path)


def alone(number: int, path: Path) -> Path:
    """The place of a record that is the whole body: `#/age`."""
    return path


class BatchReader:
    """Reads records of one signature. Made once for a model."""

    def __init__(self, signature: Signature) -> None:
        self.records = RecordReader(signature)
        self._struct = record_struct(signature)
        self._one = msgspec.json.Decoder(self._struct)
        self._lists = cache(self._decoders_of)
        self._builder = ColumnsBuilder(signature)
        self._identifiers = len(identifier_names(signature))
        self._width = len(signature.features) + self._identifiers
        self._open = [
            (index, feature.name, frozenset(feature.choices or ()))
            for index, feature in enumerate(signature.features)
            if feature.open
        ]

    def read_one(self, body: bytes) -> Batch:
        """One record.

        Raises InvalidRecord with every fault, TooManyMembers, or orjson.JSONDecodeError where the body is no JSON.
        """
        row = self._decoded(body)
        if row is None:
            row = self._as_row(self.records.read(parsed_record(body)))
        return self._batch_of_one(row)

    def read_record(self, record: object) -> Batch:
        """One Python record, as a JSON parser would have made it. Raises InvalidRecord with every fault."""
        return self._batch_of_one(self._converted(record) or self._as_row(self.records.read(record)))

    def read_many(self, body: bytes, limit: int, member: str = CUSTOMERS) -> Batch:
        """Many records, in the list that is the one member of a JSON body, whatever is wrong with some of them.

        Raises InvalidRecord where the body holds no such list, TooManyRows, TooManyMembers, or orjson.JSONDecodeError.
        """
        if may_have_longer_list(body, limit) and has_longer_list(body, limit):
            raise TooManyRows(limit)
        whole, raw = self._lists(member)
        try:
            rows = [astuple(record) for record in getattr(whole.decode(body), member)]
        except UNREADABLE:
            rows = []
        values = self._transposed(rows)
        if 0 < len(rows) <= limit and self._well_identified(values):
            return self._batch(values, range(len(rows)), len(rows), FirstFaults(), within(member))
        check_list(member, body, limit)
        sent = getattr(raw.decode(body), member)
        return self._read_each(sent, self._decoded, parsed_record, within(member))

    def read_rows(
        self, rows: Sequence[object], limit: int, place: Place, *, max_warnings: int | None = MAX_TOLD
    ) -> Batch:
        """Many Python records, as a JSON parser would have made them, whatever is wrong with some of them.

        `max_warnings` None is no limit. Raises TooManyRows, or InvalidRecord where there are none.
        """
        if len(rows) > limit:
            raise TooManyRows(limit)
        if not rows:
            raise InvalidRecord([Fault("empty", "Must hold at least one customer.")])
        return self._read_each(rows, self._converted, lambda one: one, place, max_warnings)

    def read_columns(self, columns: Mapping[str, Sequence[object]], limit: int, place: Place) -> Batch:
        """Many records by field: sequences of one length under the names that records have.

        Raises as `read_rows`, and InvalidRecord where lengths differ.
        """
        if len({len(values) for values in columns.values()}) > 1:
            raise InvalidRecord([Fault("not-valid", "Columns must have one length.")])
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return self.read_rows(rows, limit, place)

    def _read_each(
        self,
        sent: Sequence[Any],
        fast: Callable[[Any], Row | None],
        parse: Callable[[Any], object],
        place: Place,
        max_warnings: int | None = MAX_TOLD,
    ) -> Batch:
        """Row by row, so that record.py sees only the rows at fault."""
        rows, positions, faults = [], [], FirstFaults()
        with bounded_hints():
            for number, one in enumerate(sent):
                try:
                    rows.append(fast(one) or self._as_row(self.records.read(parse(one))))
                    positions.append(number)
                except InvalidRecord as error:
                    faults.add([fault._replace(path=place(number, fault.path)) for fault in error.faults])
                    faults.more += error.more
        return self._batch(self._transposed(rows), positions, len(sent), faults, place, max_warnings)

    def _decoders_of(self, member: str) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]:
        """What decodes a list of records, and what only cuts it up."""
        structs = (list_struct(member, item) for item in (self._struct, msgspec.Raw))
        whole, raw = map(msgspec.json.Decoder, structs)
        return whole, raw

    def _decoded(self, body: bytes | msgspec.Raw) -> Row | None:
        """A record from JSON; None where it is for record.py to judge."""
        try:
            row: Row = astuple(self._one.decode(body))
        except UNREADABLE:
            return None
        return row if self._well_identified([(value,) for value in row[-self._identifiers :]]) else None

    def _converted(self, record: object) -> Row | None:
        """A Python record; None where it is for record.py to judge, as what no JSON could hold always is."""
        if not isinstance(record, Mapping) or not all(map(_is_plain, record.values())):
            return None
        try:
            row: Row = astuple(msgspec.convert(record, self._struct))
        except msgspec.MsgspecError:
            return None
        return row if self._well_identified([(value,) for value in row[-self._identifiers :]]) else None

    def _transposed(self, rows: list[Row]) -> list[tuple[Any, ...]]:
        return list(zip(*rows, strict=True)) or [()] * self._width

    def _well_identified(self, columns: list[tuple[Any, ...]]) -> bool:
        """Whether every identifier goes by one name and can be printed."""
        names = columns[-self._identifiers :]
        if len(names) > 1 and any(one is not UNSET and other is not UNSET for one, other in zip(*names, strict=True)):
            return False
        texts = "".join([value for name in names for value in name if type(value) is str])
        return not texts or _PRINTABLE.fullmatch(texts) is not None

    def _as_row(self, record: Record) -> Row:
        return (*record.values, record.customer_id, *(UNSET,) * (self._identifiers - 1))

    def _batch_of_one(self, row: Row) -> Batch:
        warnings, more = self._warnings(list(zip(row, strict=True)), (0,), alone) if self._open else ([], 0)
        identifiers = _sent([(value,) for value in row[-self._identifiers :]])
        return Batch(identifiers, self._builder.build_one(row), (0,), 1, [], warnings, 0, more)

    def _batch(
        self,
        values: list[tuple[Any, ...]],
        positions: Sequence[int],
        sent: int,
        faults: FirstFaults,
        place: Place,
        max_warnings: int | None = MAX_TOLD,
    ) -> Batch:
        columns = self._builder.build(values, len(positions))
        warnings, more = self._warnings(values, positions, place, max_warnings)
        identifiers = _sent(values[-self._identifiers :])
        return Batch(identifiers, columns, positions, sent, faults.told, warnings, faults.more, more)

    def _warnings(
        self,
        columns: list[tuple[Any, ...]],
        positions: Sequence[int],
        place: Place,
        max_warnings: int | None = MAX_TOLD,
    ) -> tuple[list[Fault], int]:
        """The first warnings, and how many more there are."""
        unseen = sorted(self._unseen(columns))
        warnings = [
            Fault("unseen-category", "Training did not see this category.", path=place(positions[row], (name,)))
            for row, name in unseen[:max_warnings]
        ]
        return warnings, len(unseen) - len(warnings)

    def _unseen(self, columns: list[tuple[Any, ...]]) -> Iterator[tuple[int, str]]:
        """Row and feature of each category that training did not see."""
        for index, name, choices in self._open:
            for row, value in enumerate(columns[index]):
                if value is not None and value not in choices:
                    yield row, name


def _is_plain(value: object) -> bool:
    """Whether JSON could hold a value: no NaN, no text that is not Unicode, and no type of another library's."""
    if type(value) is float:
        return value - value == 0  # neither NaN nor infinite
    if type(value) is str:
        return is_unicode(value)
    return value is None or type(value) in (bool, int)


def _sent(names: list[tuple[Any, ...]]) -> list[Any]:
    """Each record's identifier, under whichever name it was sent; None where none was."""
    found = list(names[0])
    for others in (*names[1:], (None,) * len(found)):
        if UNSET in found:
            found = [other if value is UNSET else value for value, other in zip(found, others, strict=True)]
    return found
