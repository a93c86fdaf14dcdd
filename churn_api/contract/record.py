"""Reads one record: validates it against the signature's schema, and explains every fault."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from marshmallow import ValidationError

from churn_api.contract.faults import Fault, FirstFaults, Words, bounded_hints, did_you_mean
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.record_schema import record_schema
from churn_api.contract.signature import Signature

MAX_UNKNOWN_LISTED = 20
"""Unknown fields that the faults of one record name; a body with a million of them gets a short answer."""
MAX_SHOWN = 10
"""Faults that the text of InvalidRecord lists."""
UNKNOWN_FIELD = "unknown-field"
"""The code of a fault whose path ends in a name that the client chose."""


class Record(NamedTuple):
    """One valid record."""

    customer_id: str | int | None
    values: tuple[Any, ...]
    """One value per feature, in the signature's order; None is missing."""


class InvalidRecord(ValueError):
    """One or more records with faults: `faults` holds the first ones, each with its path; `more` counts the others.

    The exception's text contains no value, and no field name that the signature does not have.
    """

    def __init__(self, faults: list[Fault], more: int = 0) -> None:
        # Pickle recreates an exception from its arguments; Celery does the same after a round trip through JSON.
        super().__init__(faults, more)
        self.faults = [fault if isinstance(fault, Fault) else _from_json(fault) for fault in faults]
        self.more = more

    def __str__(self) -> str:
        count = len(self.faults) + self.more
        lines = [f"{count} faults" if count > 1 else "1 fault", *map(_line, self.faults[:MAX_SHOWN])]
        return "\n  ".join([*lines, "..."] if count > MAX_SHOWN else lines)


class RecordReader:
    """Reads records of one signature. Create one per model: building the schema costs more than using it."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.schema = record_schema(signature)
        self._attributes = self.schema.attributes
        self._names = Words(str(field.data_key) for field in self.schema.fields.values())

    def read(self, payload: object) -> Record:
        """Read one record from parsed JSON or from Python. Raises InvalidRecord with every fault."""
        if isinstance(payload, Mapping) and not all(isinstance(name, str) for name in payload):
            raise InvalidRecord([Fault("wrong-type", "The names of fields must be strings.")])
        try:
            with bounded_hints():
                loaded = self.schema.load(payload)  # type: ignore[arg-type]
        except ValidationError as error:
            faults = FirstFaults()
            with bounded_hints():
                faults.add(list(self._faults(payload, error.messages)))
            raise InvalidRecord(faults.first, faults.more) from None
        identifier = next((loaded[name] for name in self.schema.identifiers if loaded.get(name) is not None), None)
        return Record(identifier, tuple(map(loaded.get, self._attributes)))

    def _faults(self, payload: object, messages: Any) -> Iterator[Fault]:
        if not isinstance(payload, Mapping):
            yield Fault("wrong-type", "Must be an object that holds one customer's fields.", list_hint(payload))
            return
        known = {field.data_key: field for field in self.schema.fields.values()}
        for name in filter(messages.__contains__, known):
            yield from (fault.under(name) for fault in messages[name])
        yield from self._unknown([name for name in messages if name not in known])

    def _unknown(self, names: list[str]) -> Iterator[Fault]:
        for name in names[:MAX_UNKNOWN_LISTED]:
            if len(name) > MAX_NAME_LENGTH:
                yield Fault(UNKNOWN_FIELD, f"A field's name is longer than {MAX_NAME_LENGTH} characters.")
            else:
                yield Fault(UNKNOWN_FIELD, "Unknown field.", self._hint(name), (name,))
        if len(names) > MAX_UNKNOWN_LISTED:
            yield Fault(UNKNOWN_FIELD, f"{len(names) - MAX_UNKNOWN_LISTED} more fields are unknown.")

    def _hint(self, name: str) -> str | None:
        if name == self.signature.target.name:
            return "This is what the model predicts: leave it out."
        return did_you_mean(name, self._names)


def _from_json(fault: Sequence[Any]) -> Fault:
    code, message, hint, path = fault
    return Fault(code, message, hint, tuple(path))


def _line(fault: Fault) -> str:
    """A fault as one line of text; the path omits a field name that the client chose."""
    shown = fault._replace(path=fault.path[:-1]) if fault.code == UNKNOWN_FIELD else fault
    return f"{shown.pointer} {fault.message}" + (f" {fault.hint}" if fault.hint else "")


def list_hint(payload: object) -> str | None:
    """A hint where the client sent a list of one object instead of the object."""
    only = isinstance(payload, list) and len(payload) == 1
    return "Send the object that the list holds, without the list." if only else None
