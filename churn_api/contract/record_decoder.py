"""The fast path: msgspec decodes and checks a record in one pass.

It accepts a strict subset of what record.py accepts, with the same values. It returns None for every other record, and
record.py then validates that record and explains its faults.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from churn_api.contract.batch_body import DECODE_ERRORS
from churn_api.contract.fields import PRINTABLE
from churn_api.contract.record import Record
from churn_api.contract.record_schema import identifier_names
from churn_api.contract.signature import Signature
from churn_api.contract.struct import IdentifierValue, list_struct, record_struct
from churn_api.contract.unicode_text import is_unicode

_PRINTABLE = re.compile(PRINTABLE)
_IDENTIFIERS = list[IdentifierValue | None]

RowValues = tuple[Any, ...]
"""A record's values in the signature's order, then its identifier under each of its names (UNSET where not sent)."""


class RecordDecoder:
    """Decodes the records of one signature."""

    def __init__(self, signature: Signature) -> None:
        self._struct = record_struct(signature)
        self._record_decoder = msgspec.json.Decoder(self._struct)
        self._usual_decoder = msgspec.json.Decoder(record_struct(signature, as_in_training=True))
        self._list_decoder = cache(self._make_list_decoder)
        self._names = len(identifier_names(signature))
        self._width = len(signature.features) + self._names

    def decode_usual(self, body: bytes) -> RowValues | None:
        """A record from JSON whose numbers lie in the range that training saw; None for any other."""
        return self._decode(self._usual_decoder, body)

    def decode(self, body: bytes | msgspec.Raw) -> RowValues | None:
        """A record from JSON; None where only record.py can accept or explain it."""
        return self._decode(self._record_decoder, body)

    def _decode(self, decoder: msgspec.json.Decoder[Any], body: bytes | msgspec.Raw) -> RowValues | None:
        try:
            row: RowValues = astuple(decoder.decode(body))
        except DECODE_ERRORS:
            return None
        return row if self._has_valid_identifier(row) else None

    def convert(self, record: object) -> RowValues | None:
        """A Python record; None where only record.py can accept or explain it, or where JSON could not hold it."""
        if not isinstance(record, Mapping) or not all(map(_is_json_scalar, record.values())):
            return None
        try:
            row: RowValues = astuple(msgspec.convert(record, self._struct))
        except msgspec.MsgspecError:
            return None
        return row if self._has_valid_identifier(row) else None

    def decode_list(self, body: bytes, member: str) -> list[RowValues]:
        """The records in a body's list; an empty list where one of them is not valid."""
        try:
            return [astuple(record) for record in getattr(self._list_decoder(member).decode(body), member)]
        except DECODE_ERRORS:
            return []

    def row_of(self, record: Record) -> RowValues:
        """The row of a record that record.py has read."""
        return (*record.values, record.customer_id, *(UNSET,) * (self._names - 1))

    def with_identifiers(
        self, values: Sequence[Sequence[Any]], identifiers: Sequence[Any]
    ) -> list[Sequence[Any]] | None:
        """Values by feature, then identifiers that came under one name; None where one of these is not valid."""
        columns = [*values, identifiers, *((UNSET,) * len(identifiers),) * (self._names - 1)]
        try:
            msgspec.convert(identifiers, _IDENTIFIERS)
        except msgspec.ValidationError:
            return None
        return columns if self.has_valid_identifiers(columns) else None

    def transpose(self, rows: Sequence[RowValues]) -> list[tuple[Any, ...]]:
        """Rows as one tuple of values a feature, then one a name of the identifier."""
        return list(zip(*rows, strict=True)) or [()] * self._width

    def identifiers(self, columns: Sequence[Sequence[Any]]) -> list[Any]:
        """Each record's identifier, under whichever name it was sent; None where it was not sent."""
        first, *others = columns[-self._names :]
        identifiers = list(first)
        for column in (*others, (None,) * len(identifiers)):
            if UNSET in identifiers:
                pairs = zip(identifiers, column, strict=True)
                identifiers = [other if value is UNSET else value for value, other in pairs]
        return identifiers

    def identifier(self, row: RowValues) -> Any:
        """The identifier of one row, under whichever name it was sent; None where it was not sent."""
        return next((value for value in row[-self._names :] if value is not UNSET), None)

    def has_valid_identifiers(self, columns: Sequence[Sequence[Any]]) -> bool:
        """Whether every identifier is sent under one name only and is printable."""
        names = columns[-self._names :]
        if len(names) > 1 and any(one is not UNSET and other is not UNSET for one, other in zip(*names, strict=True)):
            return False
        texts = "".join([value for name in names for value in name if type(value) is str])
        return not texts or _PRINTABLE.fullmatch(texts) is not None

    def _has_valid_identifier(self, row: RowValues) -> bool:
        return self.has_valid_identifiers([(value,) for value in row[-self._names :]])

    def _make_list_decoder(self, member: str) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(list_struct(member, self._struct))


def _is_json_scalar(value: object) -> bool:
    """Whether JSON can hold a value: no NaN, no text that is not Unicode, no type of another library."""
    if type(value) is float:
        return value - value == 0  # neither NaN nor infinite
    if type(value) is str:
        return is_unicode(value)
    return value is None or type(value) in (bool, int)
