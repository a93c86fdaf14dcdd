"""How far the scoring of a table has come: counts, and bad rows by their place in the whole file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from churn_api.tables.formats import FORMATS

if TYPE_CHECKING:
    # Whoever shows a job's progress loads no pyarrow for it.
    from churn_api.serving.table_scorer import Scored
    from churn_api.tables.file_parts import Layout


class Progress(msgspec.Struct, frozen=True):
    """How far a run has come; a job's queue keeps it (JSON), and the next attempt goes on there."""

    blocks: int = 0
    """That are finished; `start` and `stop` are those of the last one."""
    start: int = 0
    stop: int = 0
    rows: int = 0
    lines: int = 0
    bad_rows: int = 0
    done: int = 0
    """Of `total`, in bytes or rows of the input."""
    total: int = 0
    attempt: int = 0
    """The one that finished the last block."""
    unseen: dict[str, int] = {}
    """By open feature: cells with a category that training did not see."""
    more_errors: int = 0
    """Faults of bad rows that were found and not kept."""
    seconds: float = 0.0
    """That were worked on it up to the last block, by all who did."""


class Step(NamedTuple):
    """One block more."""

    scored: "Scored"
    progress: Progress
    """After it."""
    errors: list[dict[str, Any]]
    """The faults of its rows, each at its row and line in the file."""


def beginning(layout: "Layout") -> Progress:
    """The progress of a run that has not begun."""
    return Progress(start=layout.start, stop=layout.start, done=0, total=layout.stop - layout.start)


def steps(results: "Iterable[Scored]", layout: "Layout", progress: Progress) -> Iterator[Step]:
    """Each block's result as it comes, in the order of the file, with the progress after it."""
    for scored in results:
        errors = _row_errors(progress, scored, layout)
        progress = _advanced(progress, scored, layout)
        yield Step(scored, progress, errors)


def _advanced(progress: Progress, scored: "Scored", layout: "Layout") -> Progress:
    block = scored.block
    return Progress(
        blocks=block.number + 1,
        start=block.start,
        stop=block.stop,
        rows=progress.rows + scored.rows,
        lines=progress.lines + scored.lines,
        bad_rows=progress.bad_rows + scored.bad_rows,
        done=block.stop - layout.start,
        total=progress.total,
        unseen=dict(Counter(progress.unseen) + Counter(scored.unseen)),
    )


def _row_errors(before: Progress, scored: "Scored", layout: "Layout") -> list[dict[str, Any]]:
    """Rows count the header, as spreadsheets do."""
    header = FORMATS[layout.format].header_rows
    return [
        {
            "row": before.rows + fault.row + header + 1,
            "line": before.lines + fault.line + layout.lines + 1,
            "column": fault.column,
            "code": fault.code,
            "message": fault.message,
            "hint": fault.hint,
        }
        for fault in scored.faults
    ]
