"""The body of a JSON batch: an object whose only member is a list of records."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import orjson

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.feature_attributes import MAX_NAME_LENGTH
from churn_api.contract.json_size import has_longer_list, has_more_values
from churn_api.contract.record import InvalidRecord
from churn_api.contract.size_limits import MAX_COLUMNS, TooManyMembers, TooManyRows
from churn_api.contract.struct import list_struct

MAX_VALUES = 1 << 18
"""Values in a batch that is parsed in one go to explain its faults; a larger batch is not parsed for that."""

DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError)
"""What msgspec raises while it decodes bytes; a string that is not UTF-8 raises UnicodeDecodeError."""


def record_list(member: str, payload: object, limit: int) -> Sequence[object]:
    """The list of records in a batch's body. Raises InvalidRecord where there is none, or TooManyRows."""
    if not isinstance(payload, Mapping):
        hint = f'Send the list as {{"{member}": […]}}.' if isinstance(payload, list) else None
        raise InvalidRecord([Fault("wrong-type", f"Must be an object with a list named {member!r}.", hint)])
    records = payload.get(member)
    faults = [*_unknown_members(payload, member)]
    if member not in payload:
        faults.append(Fault("required", "This field is required.", path=(member,)))
    elif not isinstance(records, list):
        hint = "Send the customer in a list of one." if isinstance(records, Mapping) else None
        faults.append(Fault("wrong-type", "Must be a list.", hint, (member,)))
    elif not records:
        faults.append(Fault("empty", "Must hold at least one customer.", path=(member,)))
    if faults:
        raise InvalidRecord(faults)
    if len(records) > limit:  # type: ignore[arg-type]
        raise TooManyRows(limit)
    return records  # type: ignore[return-value]


def check_list(member: str, body: bytes, limit: int) -> None:
    """Check that a body holds a list of at most `limit` records. Raises the same errors as `record_list`."""
    if not has_more_values(body, MAX_VALUES):
        record_list(member, orjson.loads(body), limit)
        return
    if has_longer_list(body, limit):
        raise TooManyRows(limit)
    try:
        msgspec.json.decode(body, type=list_struct(member, msgspec.Raw))
    except (*DECODE_ERRORS, RecursionError):
        # Explaining the fault in detail would take too much memory.
        raise TooManyMembers(MAX_COLUMNS) from None


def parse_record(record: bytes | msgspec.Raw) -> object:
    """Parse one record. Raises TooManyMembers, or orjson.JSONDecodeError."""
    text = bytes(record)
    if has_more_values(text, MAX_COLUMNS + 1):
        raise TooManyMembers(MAX_COLUMNS)
    return orjson.loads(text)


def _unknown_members(payload: Mapping[str, object], member: str) -> Iterable[Fault]:
    """A fault for each of the first three unknown members, so that a body with a million gets a short answer."""
    for name in [name for name in payload if name != member][:3]:
        yield Fault("unknown-field", "Unknown field.", did_you_mean(name, [member]), (name[:MAX_NAME_LENGTH],))
