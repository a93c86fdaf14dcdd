"""Small things that tests are made of."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn_api.contract.signature import Feature, Signature, Target

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
    """A small table with every type, missing values, and a learnable target."""
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


CUSTOMER = {"customer_id": "C1", "tenure": 5, "MonthlyCharges": 70.5, "Partner": True, "Contract": "One year"}
"""A valid record of `customers()`."""


def labels_with_probabilities(
    rng: np.random.Generator, rows: int, digits: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels of both classes, and the rounded probabilities that they are drawn with: few digits make ties."""
    probabilities = rng.random(rows).round(digits)
    labels = (rng.random(rows) < probabilities).astype(np.int64)
    labels[:2] = 0, 1
    return labels, probabilities
