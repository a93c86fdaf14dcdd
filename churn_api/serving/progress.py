"""What came of a run so far: counts, and bad rows by their place in the whole file."""

from collections import Counter
from typing import Any

from churn_api.jobs.job import Progress
from churn_api.serving.table_scorer import Scored
from churn_api.tables.formats import FORMATS
from churn_api.tables.layout import Layout


def beginning(layout: Layout) -> Progress:
    """The progress of a run that has not begun."""
    return Progress(start=layout.start, stop=layout.start, done=0, total=layout.stop - layout.start)


def advanced(progress: Progress, scored: Scored, layout: Layout) -> Progress:
    """The progress after one block more."""
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


def row_errors(before: Progress, scored: Scored, layout: Layout) -> list[dict[str, Any]]:
    """The faults of a block's rows, each at its row and line in the file; rows count the header, as spreadsheets do."""
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
