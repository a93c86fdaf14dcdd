"""Customers as mappings, sent as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import httpx
import msgspec

from churn_client.answers import Fault, Prediction
from churn_client.calls import JSON
from churn_client.plain_values import encode_record

_POINTER = "#/customers/"


class RecordRows:
    """Mappings, of which the first has a position."""

    def __init__(self, records: Iterable[Mapping[str, Any]], first: int = 0) -> None:
        if isinstance(records, Mapping | str | bytes):
            raise TypeError("predict_many takes mappings or a table; predict takes one mapping")
        self._records = records if isinstance(records, list) else list(records)
        self._first = first

    def __len__(self) -> int:
        return len(self._records)

    def cut(self, start: int, stop: int) -> Self:
        """A part of them."""
        return type(self)(self._records[start:stop], self._first + start)

    def body(self) -> tuple[bytes, Mapping[str, str]]:
        """The body of a request, and its headers."""
        records = [encode_record(record, self._first + index) for index, record in enumerate(self._records)]
        return b'{"customers":[%b]}' % b",".join(records), JSON

    def read(self, response: httpx.Response) -> tuple[list[Prediction], str]:
        """The predictions of a response, each with what the response says of all of them, and their version."""
        shared = msgspec.json.decode(response.content)
        rows: list[dict[str, Any]] = shared.pop("predictions")
        for row in rows:
            row.update(shared, warnings=[])
        for warning in shared.get("warnings", ()):
            index, pointer = _split(warning["pointer"])
            rows[index]["warnings"].append(warning | {"pointer": pointer})
        return msgspec.convert(rows, list[Prediction]), shared["model_version"]

    def locate(self, fault: Fault) -> Fault:
        """A fault with its position, and a pointer into the list of the caller."""
        if fault.pointer is None or not fault.pointer.startswith(_POINTER):
            return fault
        index, pointer = _split(fault.pointer)
        position = self._first + index
        return msgspec.structs.replace(fault, position=position, pointer=f"#/{position}{pointer[1:]}")

    def join(self, parts: Sequence[list[Prediction]]) -> list[Prediction]:
        """The predictions of all parts."""
        return [prediction for part in parts for prediction in part]


def _split(pointer: str) -> tuple[int, str]:
    """The index of a pointer's record, and the pointer into the record."""
    index, slash, member = pointer.removeprefix(_POINTER).partition("/")
    return int(index), f"#{slash}{member}"
