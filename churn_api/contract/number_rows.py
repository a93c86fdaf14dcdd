"""Rows of numbers, as a JSON parser gives them -> a matrix, or what is wrong with every value."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_api.contract.faults import Fault


def read_number_rows(
    rows: Sequence[object], columns: int, dtype: np.dtype[Any]
) -> tuple[NDArray[Any] | None, list[Fault]]:
    """A matrix of shape (rows, columns), or None and every fault, whose path is the row and the column."""
    faults = [fault.under(index) for index, row in enumerate(rows) for fault in _row_faults(row, columns, dtype)]
    return (None, faults) if faults else (np.array(rows, dtype), [])


def _row_faults(row: object, columns: int, dtype: np.dtype[Any]) -> Iterator[Fault]:
    if not isinstance(row, list):
        yield Fault("wrong-type", f"Must be a list of {columns} numbers.")
    elif len(row) != columns:
        yield Fault("not-valid", f"Must hold {columns} numbers, and holds {len(row)}.")
    else:
        for index, value in enumerate(row):
            fault = _fault(value, dtype)
            if fault is not None:
                yield fault.under(index)


def _fault(value: object, dtype: np.dtype[Any]) -> Fault | None:
    """What is wrong with one value. A whole number may be written as a float, and is none as a truth value."""
    if type(value) not in (int, float):
        return Fault("wrong-type", "Must be a number.")
    number: Any = value
    if dtype.kind != "f" and number != int(number):
        return Fault("wrong-type", "Must be an integer.")
    limits: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    if not int(limits.min) <= number <= int(limits.max):
        return Fault("out-of-range", f"Must be a number that {dtype.name} can hold.")
    return None
