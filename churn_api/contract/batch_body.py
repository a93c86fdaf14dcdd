"""The body of a JSON batch: an object whose one member is a list of records."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import orjson

from churn_api.contract.bounds import MAX_COLUMNS, TooManyMembers, TooManyRows
from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.json_size import has_longer_list, has_more_values
from churn_api.contract.record import InvalidRecord
from churn_api.contract.signature import MAX_NAME_LENGTH
from churn_api.contract.struct import list_struct

MAX_VALUES = 1 << 18
"""Of a batch that a parser makes objects of all at once: more than so many records have are read one by one."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)
"""What msgspec raises of bytes: it has no exception of its own for a string that is not UTF-8."""


def list_of(member: str, payload: object, limit: int) -> Sequence[object]:
    """The list in a batch's body. Raises InvalidRecord where there is none, or TooManyRows."""
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
    """See that a body holds a list of records, and no more of them than are allowed. Raises as `list_of`."""
    if not has_more_values(body, MAX_VALUES):
        list_of(member, orjson.loads(body), limit)
        return
    if has_longer_list(body, limit):
        raise TooManyRows(limit)
    try:
        msgspec.json.decode(body, type=list_struct(member, msgspec.Raw))
    except (*UNREADABLE, RecursionError):
        # What else it is would take more memory to say than it is worth.
        raise TooManyMembers(MAX_COLUMNS) from None


def parsed_record(record: bytes | msgspec.Raw) -> object:
    """One record from JSON. Raises TooManyMembers, or orjson.JSONDecodeError."""
    text = bytes(record)
    if has_more_values(text, MAX_COLUMNS + 1):
        raise TooManyMembers(MAX_COLUMNS)
    return orjson.loads(text)


def _unknown_members(payload: Mapping[str, object], member: str) -> Iterable[Fault]:
    """The first few members that a batch does not have; a million of them get a short answer too."""
    for name in [name for name in payload if name != member][:3]:
        yield Fault("unknown-field", "Unknown field.", did_you_mean(name, [member]), (name[:MAX_NAME_LENGTH],))
