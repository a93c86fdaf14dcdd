"""The same customers as a file of each format, made and read by other programs than ours."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from churn_api.contract.size_limits import Bounds
from churn_api.tables.formats import FORMATS
from churn_api.tables.read_options import AS_IT_IS
from churn_api.tables.writers import encode


def prepare(path: Path, kind: str, folder: Path, bounds: Bounds) -> Path:
    """The file that a format reads: the file itself, or a decompressed, decoded or regrouped copy in `folder`."""
    return FORMATS[kind].prepare(path, folder, bounds, AS_IT_IS).path


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of `builders.customers` as a client would send them in JSON."""
    table = table.assign(Partner=table["Partner"] == "Yes")
    return [{name: value for name, value in row.items() if not pd.isna(value)} for row in table.to_dict("records")]


def lines(table: pd.DataFrame) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records(table))


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="none")
    return sink.getvalue()


def stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def write_workbook(table: pd.DataFrame) -> bytes:
    """The table as another program makes a workbook (.xlsx) of it."""
    book, sink = openpyxl.Workbook(), io.BytesIO()
    book.active.append(list(table.columns))
    for row in table.astype(object).where(table.notna(), None).itertuples(index=False):
        book.active.append(list(row))
    book.save(sink)
    return sink.getvalue()


def read_workbook(data: bytes) -> list[dict[str, Any]]:
    """The rows of a workbook as another program reads them."""
    header, *rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def workbook_of(sheet: str, **parts: str) -> bytes:
    """A workbook whose first sheet has this XML, rows or a complete worksheet; `parts` are others, by name."""
    names = {"workbook": "xl/workbook.xml", "links": "xl/_rels/workbook.xml.rels"}
    complete = sheet if "<worksheet" in sheet else f"<worksheet><sheetData>{sheet}</sheetData></worksheet>"
    given = {"xl/worksheets/sheet1.xml": complete} | {names.get(name, name): text for name, text in parts.items()}
    sink = io.BytesIO()
    with ZipFile(io.BytesIO(encode(pa.table({"a": [1]}), "xlsx"))) as usual, ZipFile(sink, "w", ZIP_DEFLATED) as made:
        for name in dict.fromkeys([*usual.namelist(), *given]):
            made.writestr(name, given[name] if name in given else usual.read(name))
    return sink.getvalue()


def _cell(text: str) -> float | str | None:
    try:
        return float(text)
    except ValueError:
        return text or None


WRITE: Mapping[str, Callable[[pd.DataFrame], bytes]] = {
    "csv": lambda table: table.to_csv(index=False).encode(),
    "ndjson": lines,
    "parquet": lambda table: parquet(pa.Table.from_pandas(table, preserve_index=False)),
    "arrow": lambda table: stream(pa.Table.from_pandas(table, preserve_index=False)),
    "xlsx": write_workbook,
}
READ: Mapping[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "csv": lambda data: [
        {name: _cell(text) for name, text in row.items()} for row in csv.DictReader(io.StringIO(data.decode()))
    ],
    "ndjson": lambda data: [json.loads(line) for line in data.splitlines()],
    "parquet": lambda data: pq.read_table(io.BytesIO(data)).to_pylist(),
    "arrow": lambda data: pa.ipc.open_stream(data).read_all().to_pylist(),
    "xlsx": read_workbook,
}
