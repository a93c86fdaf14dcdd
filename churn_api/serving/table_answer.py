"""What comes of predicting for a table: its answer, or that rows are not valid."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from churn_api.serving.scoring_progress import Progress


class InvalidTable(Exception):
    """A table with invalid rows that may not be left out; `errors` has the first faults, `more` counts the others."""

    def __init__(self, progress: "Progress", errors: list[dict[str, Any]], more: int) -> None:
        super().__init__(f"{progress.bad_rows} rows are not valid")
        self.progress = progress
        self.errors = errors
        self.more = more


class TableAnswer(NamedTuple):
    """The result of scoring a table, without the predictions themselves."""

    threshold: float | None
    """The threshold that was applied; None where it differs by customer."""
    progress: "Progress"
    errors: list[dict[str, Any]]
    """The first faults of the rows."""
    more_errors: int
    seconds: float
    policy: int | None
    """The version of the costs that the threshold follows from; None where it follows from none."""
