"""The caller's options of a prediction."""

from collections.abc import Sequence
from typing import NamedTuple


class Options(NamedTuple):
    """The caller's options of a prediction."""

    threshold: float | None = None
    """Replaces the threshold of the model, or of its costs."""
    skip_bad: bool = False
    """Whether to leave out invalid records rather than fail the batch."""
    keep: Sequence[str] | None = ()
    """Of a table: input columns to copy into the result; None for all."""
    max_rows: int = 0
    """Of a table: its maximum number of rows."""
    reasons: int = 0
    """How many reasons to give for each prediction."""
    pinned: bool = False
    """Whether the caller names the version: no experiment takes part then."""
