"""Progress of scoring a table: counts of rows, and faults with their row and line in the file."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from churn_api.serving.call_list_options import CallListTotals
from churn_api.tables.formats import FORMATS

if TYPE_CHECKING:
    # Showing the progress of a job must not import pyarrow.
    from churn_api.serving.scored_blocks import ScoredBlock
    from churn_api.tables.file_parts import Layout


class Progress(msgspec.Struct, frozen=True):
    """Progress of a run. A job's queue stores it as JSON, and the next attempt resumes from it."""

    blocks: int = 0
    """Finished blocks; `start` and `stop` are those of the last one."""
    start: int = 0
    stop: int = 0
    rows: int = 0
    lines: int = 0
    bad_rows: int = 0
    done: int = 0
    """Of `total`, in bytes or rows of the input."""
    total: int = 0
    attempt: int = 0
    """The attempt that finished the last block."""
    unseen: dict[str, int] = {}
    """By open feature: the number of cells with an out-of-vocabulary category."""
    outside: dict[str, int] = {}
    """By feature: the number of cells far outside the range that training saw."""
    more_errors: int = 0
    """The number of faults of invalid rows that were not kept."""
    call_list: CallListTotals | None = None
    """Of a finished call list."""
    seconds: float = 0.0
    """Time spent up to the last block, summed over all attempts."""


class FinishedBlock(NamedTuple):
    """A finished block."""

    scored: "ScoredBlock"
    progress: Progress
    """The progress after this block."""
    errors: list[dict[str, Any]]
    """The faults of its rows, each with its row and line in the file."""


def initial_progress(layout: "Layout") -> Progress:
    """The progress of a run that has not started."""
    return Progress(start=layout.start, stop=layout.start, done=0, total=layout.stop - layout.start)


def finished_blocks(results: "Iterable[ScoredBlock]", layout: "Layout", progress: Progress) -> Iterator[FinishedBlock]:
    """Each block's result with the progress after it, in the order of the file."""
    for scored in results:
        errors = _row_errors(progress, scored, layout)
        progress = _advanced(progress, scored, layout)
        yield FinishedBlock(scored, progress, errors)


def _advanced(progress: Progress, scored: "ScoredBlock", layout: "Layout") -> Progress:
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
        outside=dict(Counter(progress.outside) + Counter(scored.outside)),
    )


def _row_errors(before: Progress, scored: "ScoredBlock", layout: "Layout") -> list[dict[str, Any]]:
    """Row numbers start at 1 and count the header, as spreadsheets do."""
    header = FORMATS[layout.format].header_rows + layout.skipped_rows
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
