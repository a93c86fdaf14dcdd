"""Signature -> Marshmallow schema: the one source of verdicts and error messages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from churn_api.contract.faults import Fault, FirstFaults, Words, bounded_hints, did_you_mean, listed
from churn_api.contract.fields import (
    EXACT_INTEGERS,
    IDENTIFIER_TYPES,
    Boolean,
    Identifier,
    InLength,
    InRange,
    Integer,
    KnownChoice,
    Number,
    Text,
    plain,
)
from churn_api.contract.signature import FLOAT32_MAX, IDENTIFIER, MAX_NAME_LENGTH, Feature, Signature

MAX_UNKNOWN_LISTED = 20
"""Unknown fields that one record's faults name: a body of a million of them gets an answer of a few lines."""
MAX_SHOWN = 10
"""Faults that the text of an exception has."""
UNKNOWN_FIELD = "unknown-field"
"""The code of a fault whose place is a name that the sender made up."""

_REQUIRED = [Fault("required", "This field is required.")]
_NULL = [Fault("null", "Must not be null.")]
_FIELD_TYPES: dict[str, type[fields.Field[Any]]] = {
    "integer": Integer,
    "number": Number,
    "boolean": Boolean,
    "string": Text,
}


class Record(NamedTuple):
    """One customer, found valid."""

    customer_id: str | int | None
    values: tuple[Any, ...]
    """One value a feature, in the signature's order; None is missing."""


class InvalidRecord(ValueError):
    """A record, or many, with faults; `faults` holds the first, each with its path, and `more` counts the rest.

    Its text repeats no value, and no name that the signature does not have.
    """

    def __init__(self, faults: list[Fault], more: int = 0) -> None:
        # Of its arguments pickle makes an exception again, and so does Celery, by way of JSON.
        super().__init__(faults, more)
        self.faults = [fault if isinstance(fault, Fault) else _from_json(fault) for fault in faults]
        self.more = more

    def __str__(self) -> str:
        count = len(self.faults) + self.more
        lines = [f"{count} faults" if count > 1 else "1 fault", *map(_line, self.faults[:MAX_SHOWN])]
        return "\n  ".join([*lines, "..."] if count > MAX_SHOWN else lines)


class RecordReader:
    """Reads records of one signature. Made once for a model: building the schema costs more than using it."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.schema = record_schema(signature)
        self._attributes = self.schema.attributes
        self._names = Words(str(field.data_key) for field in self.schema.fields.values())

    def read(self, payload: object) -> Record:
        """One record from parsed JSON, or from Python. Raises InvalidRecord with every fault."""
        if isinstance(payload, Mapping) and not all(isinstance(name, str) for name in payload):
            raise InvalidRecord([Fault("wrong-type", "The names of fields must be strings.")])
        try:
            with bounded_hints():
                loaded = self.schema.load(payload)  # type: ignore[arg-type]
        except ValidationError as error:
            faults = FirstFaults()
            with bounded_hints():
                faults.add(list(self._faults(payload, error.messages)))
            raise InvalidRecord(faults.told, faults.more) from None
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
    """A fault in a line; without its last step where that is a name of the sender's own."""
    place = fault._replace(path=fault.path[:-1]) if fault.code == UNKNOWN_FIELD else fault
    return f"{place.pointer} {fault.message}" + (f" {fault.hint}" if fault.hint else "")


def list_hint(payload: object) -> str | None:
    """A hint for who put the object that was asked for into a list."""
    only = isinstance(payload, list) and len(payload) == 1
    return "Send the object that the list holds, without the list." if only else None


class RecordSchema(Schema):
    """What every record's schema shares: unknown fields are faults, and the identifier is sent once."""

    class Meta:
        unknown = RAISE
        register = False

    identifiers: frozenset[str] = frozenset()
    attributes: tuple[str, ...] = ()

    @validates_schema(skip_on_field_errors=False)
    def _identifier_once(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if len(self.identifiers & data.keys()) > 1:
            fault = Fault("sent-twice", "The identifier is sent twice, under two names.", "Send one of them.")
            raise ValidationError([fault], IDENTIFIER)


def record_schema(signature: Signature) -> RecordSchema:
    """The schema of a record of `signature`.

    Attributes are `f0`, `f1`, … and `id0`, `id1`: a feature may be called anything, a Schema attribute may not.
    """
    features = {f"f{index}": feature for index, feature in enumerate(signature.features)}
    identifiers = {f"id{index}": name for index, name in enumerate(identifier_names(signature))}
    body: dict[str, Any] = {key: _feature_field(feature) for key, feature in features.items()}
    body |= {key: _identifier_field(name) for key, name in identifiers.items()}
    body |= {"identifiers": frozenset(identifiers), "attributes": tuple(features)}
    schema: RecordSchema = type("GeneratedRecordSchema", (RecordSchema,), body)()
    return schema


def bounds(feature: Feature) -> tuple[float, float]:
    """The least and the largest value of a numeric feature: as declared, else as wide as its type goes."""
    low, high = EXACT_INTEGERS if feature.type == "integer" else (-FLOAT32_MAX, FLOAT32_MAX)
    return (
        low if feature.minimum is None else feature.minimum,
        high if feature.maximum is None else feature.maximum,
    )


def identifier_names(signature: Signature) -> tuple[str, ...]:
    """The names under which a client may send the identifier."""
    return tuple(dict.fromkeys(name for name in (IDENTIFIER, signature.identifier) if name))


def _identifier_field(name: str) -> Identifier:
    metadata = {"description": "Comes back as it was sent.", "anyOf": IDENTIFIER_TYPES}
    return Identifier(data_key=name, allow_none=True, metadata=metadata)


def _feature_field(feature: Feature) -> fields.Field[Any]:
    return _FIELD_TYPES[feature.type](
        data_key=feature.name,
        required=feature.required,
        allow_none=feature.nullable,
        error_messages={"required": _REQUIRED, "null": _NULL},
        validate=list(_validators(feature)),
        metadata=described(feature),
    )


def _validators(feature: Feature) -> Iterator[Any]:
    if feature.type in ("integer", "number"):
        yield InRange(*bounds(feature))
    if feature.choices is not None and not feature.open:
        yield KnownChoice(feature.choices)
    elif feature.type == "string":
        yield InLength(1, feature.max_length)


def described(feature: Feature) -> dict[str, str]:
    """What a document says of a feature in words."""
    parts = [feature.description] if feature.description else []
    if feature.observed is not None:
        low, high = feature.observed.minimum, feature.observed.maximum
        parts.append(f"Training saw {plain(low)} to {plain(high)}.")
    if feature.open:
        parts.append(f"Training saw {listed(feature.choices or ())}; others are scored with a warning.")
    return {"description": " ".join(parts)} if parts else {}
