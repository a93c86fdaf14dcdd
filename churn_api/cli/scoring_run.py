"""One run of `churn-api score`: it scores the blocks of a table in several processes and writes result and faults."""

import sys
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click
import msgspec
import orjson

from churn_api.cli.command_error import CommandError
from churn_api.cli.outputs import atomic_output
from churn_api.cli.row_progress import row_progress
from churn_api.registry.bundle import BundleError
from churn_api.tables.table_errors import numbered

if TYPE_CHECKING:
    from churn_api.serving.scoring_progress import Progress
    from churn_api.serving.table_scorer import ScoringTask
    from churn_api.tables.writers import Joiner

MAX_SHOWN_FAULTS = 20
"""Faults that are printed to stderr where no file takes them."""


class _BadRows(Exception):
    """The table has bad rows, and --on-error is `fail`."""


class Listing(NamedTuple):
    """How blocks become a call list."""

    folder: Path
    """For the sorted blocks."""
    salt: str
    """Decides, with the customer, who is in the control group."""
    customers: list[tuple[Any, bool]]
    """Filled with the first customers of a list that has a control group: each with whether to call them."""


def run_scoring(
    task: "ScoringTask",
    output: str,
    errors: str | None,
    on_error: str,
    processes: int | None,
    listing: Listing | None = None,
) -> "Progress":
    """Score a table and write the result to `output`, and the faults of bad rows to `errors`.

    Raises CommandError for bad rows where `on_error` is `fail`, and for a broken bundle; `output` is not written then.
    """
    with atomic_output(errors) if errors else nullcontext() as faults_file:
        try:
            return _score_blocks(task, output, faults_file, on_error, processes, listing)
        except _BadRows as error:
            bad_rows = str(error)
        except BundleError as error:
            raise CommandError(f"{task.bundle}: {error}") from error
    # Raised outside the with block: an exception inside would discard the file of faults.
    where = f"{errors} lists their faults" if errors else "--errors FILE lists all their faults"
    raise CommandError(f"{bad_rows}, and no output is written: {where}, --on-error skip leaves them without scores")


def _score_blocks(
    task: "ScoringTask",
    output: str,
    faults_file: BinaryIO | None,
    on_error: str,
    processes: int | None,
    listing: Listing | None,
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
            if listing is None:
                joiner.add(step.scored.part)
            else:
                _path(listing, step.scored.block.number).write_bytes(step.scored.part)
            display.update(progress.rows, progress.done)
        if listing is not None:
            progress = _list(task, listing, progress, joiner)
    _write_more_faults(more_faults, faults_file)
    return progress


def _path(listing: Listing, block: int) -> Path:
    return listing.folder / f"sorted-{block:08d}"


def _list(task: "ScoringTask", listing: Listing, progress: "Progress", joiner: "Joiner") -> "Progress":
    """Merge the sorted blocks into the list, and return the progress with its totals."""
    from churn_api.serving.call_list import write_call_list
    from churn_api.serving.table_scorer import encode_result

    assert task.call_list is not None  # noqa: S101 # nosec B101 - for the type checker
    paths = [_path(listing, block) for block in range(progress.blocks)]
    merged = write_call_list(
        task.call_list, listing.salt, paths, listing.folder, lambda table: joiner.add(encode_result(task, table))
    )
    listing.customers.extend(merged.customers)
    return msgspec.structs.replace(progress, call_list=merged.totals)


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
