"""`churn-api score`: score a file with the scoring engine of jobs, without a server."""

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.command_helpers import FiniteRange, IntegerRange, refuse
from churn_api.cli.file_options import file_options, take_read_options
from churn_api.cli.model_selection import select_bundle
from churn_api.cli.outputs import PIPE, check_output, check_terminal
from churn_api.cli.scoring_run import run_scoring
from churn_api.contract.remark import counted
from churn_api.contract.size_limits import MAX_REASONS, NO_BOUNDS
from churn_api.tables.formats import DEFAULT, EXCEL_SAFE, FORMATS, LINES, TITLES, format_of_name, is_excel_safe

if TYPE_CHECKING:
    from churn_api.serving.scoring_progress import Progress
    from churn_api.serving.table_scorer import ScoringTask

ROWS_SKIPPED = 3
"""Exit code: the result is written, and some rows have no scores."""

EXAMPLES = """
\b
Examples:
  churn-api score customers.csv -o scored.csv
  churn-api score customers.parquet -o scored.parquet --model telco --keep all
  churn-api score customers.csv -o scored.csv --reasons 3
  churn-api score customers.csv -o scored.csv.gz --on-error skip --errors errors.ndjson
  zcat customers.csv.gz | churn-api score - --model telco > scored.csv

\b
Exit codes:
  0  every row was scored
  1  interrupted; nothing is written
  2  refused, with the reason on stderr; no output is written (a pipe may have received a part of it)
  3  written, but bad rows have no scores (--on-error skip)
"""


_HELP = f"""Score every customer of TABLE: {TITLES}, text gzipped or not; `-` is stdin.

The result has a row for each row of TABLE, in order.
"""
_BY_NAME = f"[default: by the file name; {DEFAULT} for -]"


@click.command(epilog=EXAMPLES, help=_HELP)
@click.argument("table", metavar="TABLE")
@click.option("-o", "--output", default=PIPE, metavar="FILE", help="Where to write. [default: - (stdout)]")
@click.option("--model", metavar="NAME", help="Model. [default: DEFAULT_MODEL]")
@click.option("--version", metavar="N", help="Its version. [default: the live one; without a database, the newest]")
@click.option(
    "--threshold",
    type=FiniteRange(0, 1),
    help="Probability that predicts churn. [default: of the costs, or the model's]",
)
@click.option(
    "--reasons", type=IntegerRange(1, MAX_REASONS), metavar="K", help="Add the K strongest reasons of each row."
)
@click.option("--on-error", type=click.Choice(["fail", "skip"]), default="fail", show_default=True)
@click.option("--errors", metavar="FILE", help=f"Write the faults of bad rows ({FORMATS[LINES].title}).")
@click.option("--keep", metavar="COLS", help="Columns to repeat in the result: `all`, or names separated by commas.")
@click.option("--from", "source_format", type=click.Choice(list(FORMATS)), help=_BY_NAME)
@click.option("--to", "result_format", type=click.Choice(list(FORMATS)), help=_BY_NAME)
@click.option("--csv", type=click.Choice([EXCEL_SAFE]), help="In a CSV result, mark text that begins like a formula.")
@file_options
@click.option("--processes", type=IntegerRange(1), help="Processes that score. [default: one a core]")
def score(table: str, output: str, errors: str | None, **options: Any) -> None:
    """Score a file of any format."""
    from churn_api.tables.arrow_memory import reduce_arrow_memory

    reduce_arrow_memory()
    from churn_api.registry.model_errors import NoReasons
    from churn_api.serving.engine import ProcessKilled
    from churn_api.tables.table_errors import TableError

    # SIGTERM removes unfinished files as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_output(output, table)
    if errors:
        check_output(errors, table, output)
    try:
        with tempfile.TemporaryDirectory(prefix="churn-api-") as folder:
            task = _task(table, output, Path(folder), options)
            progress = run_scoring(task, output, errors, options["on_error"], options["processes"])
    except (TableError, ProcessKilled) as error:
        refuse(str(error))
    except NoReasons as error:
        refuse(f"the model gives no reasons: {error}")
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            # An extension module raises ImportError where Ctrl-C interrupts its import.
            raise KeyboardInterrupt from error
        raise
    except BrokenPipeError:
        refuse("the reader of the result closed the pipe before its end")
    except OSError as error:
        refuse(f"{error.filename or output}: {error.strerror}")
    _print_summary(progress, output)
    sys.exit(ROWS_SKIPPED if progress.bad_rows else 0)


def _task(table: str, output: str, folder: Path, options: dict[str, Any]) -> "ScoringTask":
    """The scoring task: the bundle, the table's layout, and the options of the command."""
    from churn_api.serving.table_scorer import ScoringTask
    from churn_api.tables.layout import open_table

    source_format = _format(table, options["source_format"], "--from")
    result_format = _format(output, options["result_format"], "--to")
    check_terminal(output, result_format)
    bundle, digest, costs = select_bundle(options["model"], options["version"])
    source = _copy_stdin(folder) if table == PIPE else Path(table)
    layout = open_table(source, source_format, folder, NO_BOUNDS, take_read_options(options))
    for remark in layout.remarks:
        click.echo(remark.text, err=True)
    return ScoringTask(
        bundle=str(bundle),
        digest=digest,
        layout=layout,
        keep=_columns(options["keep"]),
        threshold=options["threshold"],
        result_format=result_format,
        part_format=FORMATS[result_format].part_format,
        excel_safe=is_excel_safe(options, result_format),
        reasons=options["reasons"] or 0,
        costs=costs if options["threshold"] is None else None,
    )


def _format(name: str, explicit: str | None, option: str) -> str:
    """The format of a file: the option's, else by its name; the default format for a pipe."""
    file_format = explicit or (DEFAULT if name == PIPE else format_of_name(name))
    if file_format is None:
        refuse(f"the name {name} has no known suffix: add {option} {', '.join(FORMATS)}")
    return file_format


def _copy_stdin(folder: Path) -> Path:
    """Copy stdin to a file: blocks are read from a file that can seek."""
    path = folder / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _columns(keep: str | None) -> tuple[str, ...] | None:
    if keep == "all":
        return None
    return tuple(name.strip() for name in keep.split(",")) if keep else ()


def _print_summary(progress: "Progress", output: str) -> None:
    target = "" if output == PIPE else f" -> {output}"
    skipped = f", {progress.bad_rows:,} without scores" if progress.bad_rows else ""
    click.echo(f"{progress.rows:,} rows{skipped}{target}", err=True)
    for column, cells in progress.unseen.items():
        click.echo(f"column {column!r}: {cells:,} cells hold categories that training did not see", err=True)
    for column, cells in progress.outside.items():
        click.echo(f"column {column!r}: {counted(cells, 'cell')} far outside the range that training saw", err=True)
