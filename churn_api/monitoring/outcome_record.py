"""What an outcome is, as a signature: requests, tables and the command line read outcomes as they read customers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from churn_api.contract.columns import Columns
from churn_api.contract.dates import day_of
from churn_api.contract.faults import Fault
from churn_api.contract.feature_attributes import IDENTIFIER, Label
from churn_api.contract.signature import Feature, Signature, Target
from churn_api.monitoring.customer_keys import CustomerKeys

OUTCOMES = "outcomes"
"""The member of a JSON body that holds the list of outcomes."""
REQUEST_ID = "request_id"
MAX_LENGTH = 64
"""Characters of a request id, and of `kept_by`."""
_EPOCH = date(1970, 1, 1)
_AHEAD = timedelta(hours=14)
"""How far the clocks of the world are ahead of UTC: somewhere it is tomorrow."""
_NO_TARGET = "what became of a customer"
"""A signature has a target; an outcome predicts nothing."""


class Outcome(NamedTuple):
    """What became of one customer."""

    subject: bytes
    """The key of the customer, or of the request."""
    by_request: bool
    day: date
    left: bool
    contacted: bool
    kept_by: str | None = None


def outcome_signature(model: Signature | None) -> Signature:
    """The fields of an outcome. The identifier has the names that the model's records have, and `left` its labels.

    `model` is the model's signature, None where it is not known.
    """
    labels = None if model is None else _labels(model.target)
    identifier = None if model is None else model.identifier
    features = (
        Feature(name=REQUEST_ID, type="string", max_length=MAX_LENGTH),
        Feature(name="left", type="boolean", required=True, nullable=False, labels=labels),
        Feature(name="on", type="date", required=True, nullable=False, reference=_EPOCH.isoformat()),
        Feature(name="contacted", type="boolean"),
        Feature(name="kept_by", type="string", max_length=MAX_LENGTH),
    )
    taken = {feature.name for feature in features}
    target = Target(name=_NO_TARGET, positive="yes", negative="no")
    return Signature(features=features, target=target, identifier=None if identifier in taken else identifier)


def request_key(keys: CustomerKeys, request_id: str) -> bytes:
    """The key of a request: no customer has it, since identifiers are printable."""
    return _required(keys.key(f"\0{request_id}"))


class OutcomeRows(NamedTuple):
    """n rows that were read, of which each is an outcome or has faults."""

    outcomes: list[tuple[int, Outcome]]
    """Valid rows, each with its position."""
    faults: list[tuple[int, Fault]]
    """The faults of the others, likewise."""


def latest_day() -> date:
    """The day of today, where it began first."""
    return (datetime.now(UTC) + _AHEAD).date()


def to_outcomes(columns: Columns, identifiers: list[Any], positions: list[int], keys: CustomerKeys) -> OutcomeRows:
    """Rows that fit the signature as outcomes, with what the signature cannot say: whom they are about, and when."""
    today = latest_day()
    found = OutcomeRows([], [])
    rows = zip(positions, identifiers, columns.numbers.tolist(), columns.texts.tolist(), strict=True)
    for position, identifier, (left, days, contacted), (request_id, kept_by) in rows:
        day = day_of(days, _EPOCH)
        faults = [*_subject_faults(identifier, request_id), *_day_faults(day, today), *_text_faults(kept_by)]
        found.faults.extend((position, fault) for fault in faults)
        if not faults:
            key = request_key(keys, request_id) if identifier is None else _required(keys.key(identifier))
            # Who was kept by something was contacted, whether or not the row says so.
            called = contacted == 1 or bool(kept_by)
            outcome = Outcome(key, identifier is None, day, bool(left), called, kept_by or None)
            found.outcomes.append((position, outcome))
    return found


def _subject_faults(identifier: Any, request_id: str) -> list[Fault]:
    if identifier is None and not request_id:
        return [Fault("required", f"Name the customer, or the request by {REQUEST_ID}.", path=(IDENTIFIER,))]
    if identifier is not None and request_id:
        return [Fault("sent-twice", f"Send {IDENTIFIER} or {REQUEST_ID}, not both.", path=(REQUEST_ID,))]
    return []


def _day_faults(day: date, today: date) -> list[Fault]:
    return [Fault("too-large", "Must not be in the future.", path=("on",))] if day > today else []


def _text_faults(kept_by: str) -> list[Fault]:
    if kept_by.isprintable():
        return []
    # It is stored as it is, and PostgreSQL stores no NUL.
    return [Fault("not-printable", "Must hold printable characters only.", path=("kept_by",))]


def _labels(target: Target) -> tuple[Label, Label] | None:
    """The labels of the target's column; None where one of them stands for several."""
    if "," in target.positive + target.negative:
        return None
    return _label(target.positive), _label(target.negative)


def _label(text: str) -> Label:
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text else text


def _required(key: bytes | None) -> bytes:
    if key is None:
        raise ValueError("a key needs an identifier")
    return key
