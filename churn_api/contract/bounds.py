"""Bounds: how much of what a client sends is looked at. All is counted before any of it is decoded or validated."""

from typing import NamedTuple

MAX_COLUMNS = 4096
"""Of a table, and members of a JSON object."""
CELL_BYTES = 8
"""What a cell counts for at least, one that takes no place in its file too."""


class TooManyRows(Exception):
    """A batch of more customers than are allowed; `limit` says how many are."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} customers")
        self.limit = limit


class TooManyMembers(Exception):
    """A JSON object of more members than are allowed; `limit` says how many are."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} members")
        self.limit = limit


class Bounds(NamedTuple):
    """What a table may have at most; None is no limit. The same in every format."""

    bytes: int
    """Decompressed and decoded."""
    rows: int | None = None
    columns: int | None = None

    def check_rows(self, rows: int) -> None:
        """Raise TooManyRows where there are more than are allowed."""
        if self.rows is not None and rows > self.rows:
            raise TooManyRows(self.rows)


NO_BOUNDS = Bounds(1 << 62)
"""For files of one's own."""
