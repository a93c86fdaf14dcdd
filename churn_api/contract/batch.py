"""A body's bytes -> columns: one record or many, read by structs, explained by record.py where they reject."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson
from msgspec import UNSET
from msgspec.structs import astuple

from churn_api.contract.columns import Columns, ColumnsBuilder
from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.fields import PRINTABLE
from churn_api.contract.record import InvalidRecord, RecordReader, identifier_names
from churn_api.contract.signature import MAX_NAME_LENGTH, Signature
from churn_api.contract.struct import list_struct, record_struct

CUSTOMERS = "customers"

_PRINTABLE = re.compile(PRINTABLE)

Path = tuple[str | int, ...]
Row = tuple[Any, ...]
"""A record: its values in the signature's order, then its identifier under each of its names."""


class TooManyRows(ValueError):
    """A batch of more customers than are allowed; `limit` says how many are."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} customers")
        self.limit = limit


class Batch(NamedTuple):
    """What a body holds: its good records as columns, and the faults of the others."""

    identifiers: list[Any]
    columns: Columns
    places: Sequence[int]
    """Where each good record stood in the body."""
    sent: int
    """How many records the body held."""
    faults: list[Fault]
    warnings: list[Fault]
    """Categories of open features that training did not see, each with its place."""


class BatchReader:
    """Reads bodies of one signature. Made once for a model."""

    def __init__(self, signature: Signature) -> None:
        struct = record_struct(signature)
        self.records = RecordReader(signature)
        self._one = msgspec.json.Decoder(struct)
        self._many = msgspec.json.Decoder(list_struct(CUSTOMERS, struct))
        self._raw = msgspec.json.Decoder(list_struct(CUSTOMERS, msgspec.Raw))
        self._builder = ColumnsBuilder(signature)
        self._identifiers = len(identifier_names(signature))
        self._width = len(signature.features) + self._identifiers
        self._open = [
            (index, feature.name, frozenset(feature.choices or ()))
            for index, feature in enumerate(signature.features)
            if feature.open
        ]

    def read_one(self, body: bytes) -> Batch:
        """One record. Raises InvalidRecord with every fault, or orjson.JSONDecodeError where the body is no JSON."""
        row = self._fast(body)
        if row is None:
            row = self._judged(orjson.loads(body))
        warnings = self._warnings(list(zip(row, strict=True)), lambda _: ()) if self._open else []
        identifiers = _sent([(value,) for value in row[-self._identifiers :]])
        return Batch(identifiers, self._builder.build_one(row), (0,), 1, [], warnings)

    def read_many(self, body: bytes, limit: int) -> Batch:
        """Many records, whatever is wrong with some of them.

        Raises InvalidRecord where the body holds no list of customers, TooManyRows, or orjson.JSONDecodeError.
        """
        try:
            rows = [astuple(record) for record in self._many.decode(body).customers]  # type: ignore[attr-defined]
        except msgspec.MsgspecError:
            return self._read_each(body, limit)
        columns = self._transposed(rows)
        if not 0 < len(rows) <= limit or not self._well_identified(columns):
            return self._read_each(body, limit)
        built = self._builder.build(columns, len(rows))
        return self._batch(columns, built, range(len(rows)), len(rows), [], lambda row: (CUSTOMERS, row))

    def _read_each(self, body: bytes, limit: int) -> Batch:
        """Row by row, so that record.py sees only the rows at fault."""
        sent = len(customers_of(orjson.loads(body), limit))
        rows, places, faults = [], [], []
        for place, raw in enumerate(self._raw.decode(body).customers):  # type: ignore[attr-defined]
            try:
                rows.append(self._fast(raw) or self._judged(orjson.loads(bytes(raw))))
                places.append(place)
            except InvalidRecord as error:
                faults += [fault.under(CUSTOMERS, place) for fault in error.faults]
        values = self._transposed(rows)
        built = self._builder.build(values, len(rows))
        return self._batch(values, built, places, sent, faults, lambda row: (CUSTOMERS, places[row]))

    def _fast(self, body: bytes | msgspec.Raw) -> Row | None:
        try:
            row: Row = astuple(self._one.decode(body))
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

    def _judged(self, payload: object) -> Row:
        record = self.records.read(payload)
        return (*record.values, record.customer_id, *(UNSET,) * (self._identifiers - 1))

    def _batch(
        self,
        values: list[tuple[Any, ...]],
        columns: Columns,
        places: Sequence[int],
        sent: int,
        faults: list[Fault],
        path_of: Callable[[int], Path],
    ) -> Batch:
        identifiers = _sent(values[-self._identifiers :])
        return Batch(identifiers, columns, places, sent, faults, self._warnings(values, path_of))

    def _warnings(self, columns: list[tuple[Any, ...]], path_of: Callable[[int], Path]) -> list[Fault]:
        return [
            Fault("unseen-category", "Training did not see this category.", path=(*path_of(row), name))
            for row, name in sorted(self._unseen(columns))
        ]

    def _unseen(self, columns: list[tuple[Any, ...]]) -> Iterator[tuple[int, str]]:
        """Row and feature of each category that training did not see."""
        for index, name, choices in self._open:
            for row, value in enumerate(columns[index]):
                if value is not None and value not in choices:
                    yield row, name


def customers_of(payload: object, limit: int) -> Sequence[object]:
    """The list of customers in a batch's body. Raises InvalidRecord where there is none, or TooManyRows."""
    if not isinstance(payload, Mapping):
        raise InvalidRecord([Fault("wrong-type", f"Must be an object with a list named {CUSTOMERS!r}.")])
    customers = payload.get(CUSTOMERS)
    faults = [*_unknown_members(payload)]
    if CUSTOMERS not in payload:
        faults.append(Fault("required", "This field is required.", path=(CUSTOMERS,)))
    elif not isinstance(customers, list):
        faults.append(Fault("wrong-type", "Must be a list.", path=(CUSTOMERS,)))
    elif not customers:
        faults.append(Fault("empty", "Must hold at least one customer.", path=(CUSTOMERS,)))
    if faults:
        raise InvalidRecord(faults)
    if len(customers) > limit:  # type: ignore[arg-type]
        raise TooManyRows(limit)
    return customers  # type: ignore[return-value]


def _unknown_members(payload: Mapping[str, object]) -> Iterator[Fault]:
    """The first few members that a batch does not have; a million of them get a short answer too."""
    for name in [name for name in payload if name != CUSTOMERS][:3]:
        yield Fault("unknown-field", "Unknown field.", did_you_mean(name, [CUSTOMERS]), (name[:MAX_NAME_LENGTH],))


def _sent(names: list[tuple[Any, ...]]) -> list[Any]:
    """Each record's identifier, under whichever name it was sent; None where none was."""
    found = list(names[0])
    for others in (*names[1:], (None,) * len(found)):
        if UNSET in found:
            found = [other if value is UNSET else value for value, other in zip(found, others, strict=True)]
    return found
