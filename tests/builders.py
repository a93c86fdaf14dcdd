"""Small things that tests are made of."""

import io
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa

from churn_api.contract.signature import Feature, Signature, Target
from churn_api.tables.writers import encode

ODD_NAMES = ("Day Mins", "VMail Plan", "churn ", 'say "hi"/é', "load", "f0", "a.b")


def feature(name: str = "tenure", type: str = "integer", **parts: Any) -> Feature:  # noqa: A002
    return Feature(name=name, type=type, **parts)


def signature(*features: Feature, identifier: str | None = "customerID") -> Signature:
    return Signature(
        features=features or (feature(),),
        target=Target(name="Churn", positive="Yes", negative="No"),
        identifier=identifier,
    )


def customers(rows: int = 300, seed: int = 1) -> pd.DataFrame:
    """A small table with every type, missing cells, and a target that can be learned."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(0, 72, rows)
    contract = rng.choice(["Month-to-month", "One year", "Two year"], rows)
    leaves = rng.random(rows) < np.where(contract == "Month-to-month", 0.75, 0.2) * np.exp(-tenure / 60)
    table = pd.DataFrame(
        {
            "customerID": [f"C{number:05d}" for number in range(rows)],
            "tenure": tenure,
            "MonthlyCharges": rng.normal(60, 20, rows).round(2),
            "Partner": np.where(rng.random(rows) < 0.5, "Yes", "No"),
            "Contract": contract,
            "Region": rng.choice(["North", "South", "East"], rows),
            "Churn": np.where(leaves, "Yes", "No"),
        }
    )
    table["MonthlyCharges"] = table["MonthlyCharges"].mask(rng.random(rows) < 0.05)
    table["Region"] = table["Region"].mask(rng.random(rows) < 0.05)
    return table


def write_csv(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


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
    """A workbook whose first sheet has this XML, rows or the whole of it; `parts` are others, by name."""
    names = {"workbook": "xl/workbook.xml", "links": "xl/_rels/workbook.xml.rels"}
    whole = sheet if "<worksheet" in sheet else f"<worksheet><sheetData>{sheet}</sheetData></worksheet>"
    given = {"xl/worksheets/sheet1.xml": whole} | {names.get(name, name): text for name, text in parts.items()}
    sink = io.BytesIO()
    with ZipFile(io.BytesIO(encode(pa.table({"a": [1]}), "xlsx"))) as usual, ZipFile(sink, "w", ZIP_DEFLATED) as made:
        for name in dict.fromkeys([*usual.namelist(), *given]):
            made.writestr(name, given[name] if name in given else usual.read(name))
    return sink.getvalue()


CUSTOMER = {"customer_id": "C1", "tenure": 5, "MonthlyCharges": 70.5, "Partner": True, "Contract": "One year"}
"""A valid record of `customers()`."""
