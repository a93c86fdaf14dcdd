"""Checks of the names of a table's columns."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from churn_api.tables.table_errors import TableError


def refuse_bad_names(path: Path, names: Sequence[str]) -> None:
    """Raise TableError where a column but the first has no name, a name contains NUL, or two columns have the same.

    The error gives positions rather than names: in a file without a header, names are values of a row.
    """
    for name, count in Counter(names).items():
        if not name.strip() and (names[0] != name or count > 1 or len(names) == 1):
            raise TableError(f"{path.name}: column {names.index(name) + 1} has no name")
        if "\0" in name:
            raise TableError(f"{path.name}: the name of column {names.index(name) + 1} holds NUL")
        if count > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            raise TableError(f"{path.name}: columns {first + 1} and {second + 1} have the same name")


def unnamed(names: Sequence[str]) -> tuple[str, ...]:
    """The first column's name where it is blank: pandas and R write the index of a frame so."""
    return tuple(name for name in names[:1] if not name.strip() and len(names) > 1)
