"""Many records of one request: all verdicts at once, in the order sent."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from churn_api.contract.faults import Fault, did_you_mean
from churn_api.contract.record import InvalidRecord, Record, RecordReader

CUSTOMERS = "customers"


class Batch(NamedTuple):
    """What was sent: a record a customer, None where it has faults, and those faults."""

    records: list[Record | None]
    faults: list[Fault]


def customers_of(payload: object) -> Sequence[object]:
    """The list of customers in a batch's body. Raises InvalidRecord where the body does not hold one."""
    if not isinstance(payload, Mapping):
        raise InvalidRecord([Fault("wrong-type", f"Must be an object with a list named {CUSTOMERS!r}.")])
    faults = [
        Fault("unknown-field", "Unknown field.", did_you_mean(name, [CUSTOMERS]), (name,))
        for name in list(payload)[:2]
        if name != CUSTOMERS
    ]
    customers = payload.get(CUSTOMERS)
    if CUSTOMERS not in payload:
        faults.append(Fault("required", "This field is required.", path=(CUSTOMERS,)))
    elif not isinstance(customers, list):
        faults.append(Fault("wrong-type", "Must be a list.", path=(CUSTOMERS,)))
    elif not customers:
        faults.append(Fault("empty", "Must hold at least one customer.", path=(CUSTOMERS,)))
    if faults:
        raise InvalidRecord(faults)
    return customers  # type: ignore[return-value]


def read_batch(reader: RecordReader, customers: Sequence[Any]) -> Batch:
    """Read every customer, whatever is wrong with others."""
    records: list[Record | None] = []
    faults: list[Fault] = []
    for row, payload in enumerate(customers):
        try:
            records.append(reader.read(payload))
        except InvalidRecord as error:
            records.append(None)
            faults += [fault.under(CUSTOMERS, row) for fault in error.faults]
    return Batch(records, faults)
