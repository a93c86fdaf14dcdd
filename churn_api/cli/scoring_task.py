"""What `score` and `call-list` share: options, the scoring task, the errors that end them, the summary."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from churn_api.cli.command_helpers import IntegerRange, refuse
from churn_api.cli.file_options import file_options, take_read_options
from churn_api.cli.model_selection import select_bundle
from churn_api.cli.outputs import PIPE, check_output, check_terminal
from churn_api.contract.remark import counted
from churn_api.contract.size_limits import MAX_REASONS, NO_BOUNDS
from churn_api.tables.formats import DEFAULT, EXCEL_SAFE, FORMATS, LINES, format_of_name, is_excel_safe

if TYPE_CHECKING:
    from churn_api.serving.scoring_progress import Progress
    from churn_api.serving.table_scorer import ScoringTask

ROWS_SKIPPED = 3
"""Exit code: the result is written, and some rows have no scores."""

_BY_NAME = f"[default: by the file name; {DEFAULT} for -]"
_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-o", "--output"), {"default": PIPE, "metavar": "FILE", "help": "Where to write. [default: - (stdout)]"}),
    (("--model",), {"metavar": "NAME", "help": "Model. [default: DEFAULT_MODEL]"}),
    (
        ("--version",),
        {"metavar": "N", "help": "Its version. [default: the live one; without a database, the newest]"},
    ),
    (
        ("--reasons",),
        {"type": IntegerRange(1, MAX_REASONS), "metavar": "K", "help": "Add the K strongest reasons of each row."},
    ),
    (("--on-error",), {"type": click.Choice(["fail", "skip"]), "default": "fail", "show_default": True}),
    (("--errors",), {"metavar": "FILE", "help": f"Write the faults of bad rows ({FORMATS[LINES].title})."}),
    (
        ("--keep",),
        {"metavar": "COLS", "help": "Columns to repeat in the result: `all`, or names separated by commas."},
    ),
    (("--from", "source_format"), {"type": click.Choice(list(FORMATS)), "help": _BY_NAME}),
    (("--to", "result_format"), {"type": click.Choice(list(FORMATS)), "help": _BY_NAME}),
    (
        ("--csv",),
        {"type": click.Choice([EXCEL_SAFE]), "help": "In a CSV result, mark text that begins like a formula."},
    ),
)
_PROCESSES: dict[str, Any] = {"type": IntegerRange(1), "help": "Processes that score. [default: one a core]"}


def scoring_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument TABLE and the options of scoring to a command."""
    command = file_options(click.option("--processes", **_PROCESSES)(command))
    for flags, settings in reversed(_OPTIONS):
        command = click.option(*flags, **settings)(command)
    return click.argument("table", metavar="TABLE")(command)


@contextmanager
def scoring_folder(table: str, output: str, errors: str | None) -> Iterator[Path]:
    """A folder for what is kept until the end. What can go wrong inside ends the command with one line."""
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
            yield Path(folder)
    except (TableError, ProcessKilled) as error:
        refuse(str(error))
    except NoReasons as error:
        refuse(f"the model gives no reasons: {error}")
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    except BrokenPipeError:
        refuse("the reader of the result closed the pipe before its end")
    except OSError as error:
        refuse(f"{error.filename or output}: {error.strerror}")


def scoring_task(table: str, output: str, folder: Path, options: dict[str, Any]) -> "ScoringTask":
    """The scoring task: the bundle, the table's layout, and the options of the command. Raises CommandError."""
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
        threshold=options.get("threshold"),
        result_format=result_format,
        part_format=FORMATS[result_format].part_format,
        excel_safe=is_excel_safe(options, result_format),
        reasons=options["reasons"] or 0,
        costs=costs if options.get("threshold") is None else None,
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


def print_summary(progress: "Progress", output: str) -> None:
    """Print on stderr how many rows there were, and what was odd about them."""
    target = "" if output == PIPE else f" -> {output}"
    skipped = f", {progress.bad_rows:,} without scores" if progress.bad_rows else ""
    click.echo(f"{progress.rows:,} rows{skipped}{target}", err=True)
    for column, cells in progress.unseen.items():
        click.echo(f"column {column!r}: {cells:,} cells hold categories that training did not see", err=True)
    for column, cells in progress.outside.items():
        click.echo(f"column {column!r}: {counted(cells, 'cell')} far outside the range that training saw", err=True)
