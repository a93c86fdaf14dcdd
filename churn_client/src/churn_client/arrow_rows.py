"""Customers as an Arrow table or a DataFrame, sent as an Arrow stream."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import quote

import httpx
import msgspec
import pyarrow as pa

from churn_client.answers import Fault

ARROW = "application/vnd.apache.arrow.stream"
_HEADERS = {"Content-Type": ARROW, "Accept": f"{ARROW}, application/json"}
_IDENTIFIER = "customer_id"
_WARNED = {
    "Churn-Unseen": "with a category that training did not see",
    "Churn-Outside": "far outside the range that training saw",
}


class TableWarning(UserWarning):
    """Cells of a table that a single record would get a warning for."""


class ArrowRows:
    """The rows of an Arrow table, of which the first has a position."""

    def __init__(self, table: pa.Table, first: int = 0) -> None:
        self._table = table
        self._first = first

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def cut(self, start: int, stop: int) -> Self:
        """A part of them."""
        return type(self)(self._table.slice(start, stop - start), self._first + start)

    def body(self) -> tuple[bytes, Mapping[str, str]]:
        """The body of a request, and its headers."""
        return arrow_stream(self._table), _HEADERS

    def read(self, response: httpx.Response) -> tuple[tuple[pa.Table, Mapping[str, str]], str]:
        """The predictions of a response with its headers, and their version."""
        table = pa.ipc.open_stream(response.content).read_all()
        return (table.drop_columns([_IDENTIFIER]), response.headers), response.headers["Churn-Model-Version"]

    def locate(self, fault: Fault) -> Fault:
        """A fault with its position, and a pointer as if the table were a list of records."""
        if fault.row is None:
            return fault
        position = self._first + fault.row - 1
        member = "" if fault.column is None else f"/{_escape(fault.column)}"
        return msgspec.structs.replace(fault, position=position, pointer=f"#/{position}{member}", row=None, line=None)

    def join(self, parts: Sequence[tuple[pa.Table, Mapping[str, str]]]) -> pa.Table:
        """The predictions of all parts; warns of cells once."""
        for header, what in _WARNED.items():
            cells = sum(int(headers.get(header, 0)) for _, headers in parts)
            if cells:
                warnings.warn(f"{cells} {'cell' if cells == 1 else 'cells'} {what}", TableWarning, stacklevel=2)
        return pa.concat_tables([table for table, _ in parts])


def arrow_stream(table: pa.Table) -> bytes:
    """A table as the bytes of an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _escape(name: str) -> str:
    """A name as a step of a JSON Pointer in a URI fragment (RFC 6901, section 6)."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~$&+,;=:@!'()*")
