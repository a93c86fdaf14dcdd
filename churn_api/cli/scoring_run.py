"""One run of `churn-api score`: it scores the blocks of a table in several processes and writes result and faults."""

import sys
from contextlib import closing, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import orjson

from churn_api.cli.command_error import CommandError
from churn_api.cli.outputs import atomic_output
from churn_api.cli.row_progress import row_progress
from churn_api.registry.bundle import BundleError
from churn_api.tables.table_errors import numbered

if TYPE_CHECKING:
    from churn_api.serving.scoring_progress import Progress
    from churn_api.serving.table_scorer import ScoringTask

MAX_SHOWN_FAULTS = 20
"""Faults that are printed to stderr where no file takes them."""


class _BadRows(Exception):
    """The table has bad rows, and --on-error is `fail`."""


def run_scoring(
    task: "ScoringTask", output: str, errors: str | None, on_error: str, processes: int | None
) -> "Progress":
    """Score a table and write the result to `output`, and the faults of bad rows to `errors`.

    Raises CommandError for bad rows where `on_error` is `fail`, and for a broken bundle; `output` is not written then.
    """
    with atomic_output(errors) if errors else nullcontext() as faults_file:
        try:
            return _score_blocks(task, output, faults_file, on_error, processes)
        except _BadRows as error:
            bad_rows = str(error)
        except BundleError as error:
            raise CommandError(f"{task.bundle}: {error}") from error
    # Raised outside the with block: an exception inside would discard the file of faults.
    where = f"{errors} lists their faults" if errors else "--errors FILE lists all their faults"
    raise CommandError(f"{bad_rows}, and no output is written: {where}, --on-error skip leaves them without scores")


def _score_blocks(
    task: "ScoringTask", output: str, faults_file: BinaryIO | None, on_error: str, processes: int | None
) -> "Progress":
    from churn_api.serving.process_engine import in_order
    from churn_api.serving.scoring_progress import finished_blocks, initial_progress
    from churn_api.serving.table_scorer import result_schema, score_block
    from churn_api.tables.blocks import blocks
    from churn_api.tables.writers import Joiner

    progress, more_faults = initial_progress(task.layout), 0
    schema = result_schema(task)
    with (
        atomic_output(output) as sink,
        closing(Joiner(sink, task.result_format, schema)) as joiner,
        row_progress(sys.stderr, progress.total) as display,
    ):
        results = in_order(partial(score_block, task), blocks(task.layout), processes=processes)
        for step in finished_blocks(results, task.layout, progress):
            _write_faults(step.errors, faults_file, progress.bad_rows)
            progress, more_faults = step.progress, more_faults + step.scored.more_faults
            if progress.bad_rows and on_error == "fail":
                _write_more_faults(more_faults, faults_file)
                raise _BadRows(f"{progress.bad_rows:,} of the first {progress.rows:,} rows are not valid")
            joiner.add(step.scored.part)
            display.update(progress.rows, progress.done)
    _write_more_faults(more_faults, faults_file)
    return progress


def _write_faults(faults: list[dict[str, Any]], file: BinaryIO | None, before: int) -> None:
    """Write a block's faults to the file, or print the first few to stderr."""
    if file is not None:
        file.writelines(orjson.dumps(fault) + b"\n" for fault in faults)
        return
    for fault in faults[: max(0, MAX_SHOWN_FAULTS - before)]:
        column = f", column {fault['column']!r}" if fault["column"] else ""
        hint = f" {fault['hint']}" if fault["hint"] else ""
        click.echo(f"{numbered(fault['row'], fault['line'])}{column}: {fault['message']}{hint}", err=True)


def _write_more_faults(count: int, file: BinaryIO | None) -> None:
    """Append the number of faults that the file does not list."""
    if file is not None and count:
        file.write(orjson.dumps({"more_errors": count}) + b"\n")
