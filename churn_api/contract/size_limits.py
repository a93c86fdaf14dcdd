"""Bounds on the size of what a client sends. Sizes are checked before anything is decoded or validated."""

from typing import NamedTuple

MAX_COLUMNS = 4096
"""Columns of a table, and members of a JSON object."""
CELL_BYTES = 8
"""The least that a cell counts for, even where it takes no bytes in its file."""

MAX_REASONS = 20
"""Reasons of one prediction."""


class TooManyRows(Exception):
    """A batch with more customers than `limit` allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} customers")
        self.limit = limit


class TooManyMembers(Exception):
    """A JSON object with more members than `limit` allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} members")
        self.limit = limit


class TooManyValues(Exception):
    """A JSON body with more values than `limit` allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} values")
        self.limit = limit


class Bounds(NamedTuple):
    """Maximum sizes of a table, the same for every format; None means no limit."""

    bytes: int
    """Of the decompressed and decoded data."""
    rows: int | None = None
    columns: int | None = None

    def check_rows(self, rows: int) -> None:
        """Raise TooManyRows where there are more rows than allowed."""
        if self.rows is not None and rows > self.rows:
            raise TooManyRows(self.rows)


NO_BOUNDS = Bounds(1 << 62)
"""For trusted files."""
