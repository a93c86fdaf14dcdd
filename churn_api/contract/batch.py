"""A batch: the valid records of what a client sent, as columns, with the faults of the other records."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from churn_api.contract.columns import Columns
from churn_api.contract.faults import Fault

CUSTOMERS = "customers"
"""The member of a JSON batch that holds the list of records."""

Path = tuple[str | int, ...]
PathFromRoot = Callable[[int, Path], Path]
"""Takes a record's index and a path within the record; returns the path from the root of what the client sent."""


class Batch(NamedTuple):
    """n valid records as columns, and the faults of the invalid ones."""

    identifiers: list[Any]
    """Length n; None where a record has none."""
    columns: Columns
    positions: Sequence[int]
    """The index of each valid record among all records sent."""
    sent: int
    """The number of records sent, valid and invalid."""
    faults: list[Fault]
    warnings: list[Fault]
    """Out-of-vocabulary categories of open features, each with its path."""
    more_faults: int = 0
    """The number of faults left out of `faults`."""
    more_warnings: int = 0


def paths_in_list(*parents: str | int) -> PathFromRoot:
    """Paths of records in a list at `parents`: `#/customers/3/age`."""
    return lambda index, path: (*parents, index, *path)


def path_of_only_record(index: int, path: Path) -> Path:
    """The path of a record that is the complete body: `#/age`."""
    return path
