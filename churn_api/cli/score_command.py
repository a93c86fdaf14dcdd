"""Score a file: the engine of the jobs, without a server."""

import shutil
import signal
import sys
import tempfile
from collections.abc import Collection
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import orjson

from churn_api.cli.command_error import CommandError
from churn_api.cli.command_helpers import FiniteRange, IntegerRange, load_settings_or_refuse, refuse
from churn_api.cli.outputs import PIPE, atomic_output, check_output, check_terminal
from churn_api.cli.row_progress import row_progress
from churn_api.config import StartError
from churn_api.contract.bounds import NO_BOUNDS
from churn_api.contract.faults import did_you_mean
from churn_api.registry.bundle import BundleError, bundle_digests
from churn_api.services import Services
from churn_api.store import schema
from churn_api.store.database import DatabaseAway
from churn_api.tables.formats import DEFAULT, EXCEL_SAFE, FORMATS, LINES, TITLES, format_of_name, is_excel_safe

if TYPE_CHECKING:
    from churn_api.serving.progress import Progress
    from churn_api.serving.table_scorer import Task

ROWS_SKIPPED = 3
"""Exit code: the result is written, and has rows without scores."""
SHOWN = 20
"""Faults that are shown on stderr."""

EXAMPLES = """
\b
Examples:
  churn-api score customers.csv -o scored.csv
  churn-api score customers.parquet -o scored.parquet --model telco --keep all
  churn-api score customers.csv -o scored.csv.gz --on-error skip --errors errors.ndjson
  zcat customers.csv.gz | churn-api score - --model telco > scored.csv

\b
Exit codes:
  0  every row was scored
  1  interrupted; nothing is written
  2  refused, with the reason on stderr; no output is written (a pipe may have got its beginning)
  3  written, but bad rows have no scores (--on-error skip)
"""


_HELP = f"""Score every customer of TABLE: {TITLES}, text gzipped or not; `-` is stdin.

The result has a row for each row of TABLE, in order.
"""
_BY_NAME = f"[default: by the name; {DEFAULT} for -]"


@click.command(epilog=EXAMPLES, help=_HELP)
@click.argument("table", metavar="TABLE")
@click.option("-o", "--output", default=PIPE, metavar="FILE", help="Where to write. [default: - (stdout)]")
@click.option("--model", metavar="NAME", help="Model. [default: the one that serves by default]")
@click.option("--version", metavar="N", help="Its version. [default: the live one; without a database, the newest]")
@click.option("--threshold", type=FiniteRange(0, 1), help="Predict churn from here on. [default: the model's]")
@click.option("--on-error", type=click.Choice(["fail", "skip"]), default="fail", show_default=True)
@click.option("--errors", metavar="FILE", help=f"Write the faults of bad rows ({FORMATS[LINES].title}).")
@click.option("--keep", metavar="COLS", help="Columns to repeat in the result: `all`, or names by commas.")
@click.option("--from", "source_format", type=click.Choice(list(FORMATS)), help=_BY_NAME)
@click.option("--to", "result_format", type=click.Choice(list(FORMATS)), help=_BY_NAME)
@click.option("--csv", type=click.Choice([EXCEL_SAFE]), help="Of a CSV result: mark text that begins as a formula.")
@click.option("--processes", type=IntegerRange(1), help="[default: one a core]")
def score(table: str, output: str, errors: str | None, **chosen: Any) -> None:
    """Score a file of any format."""
    from churn_api.tables.arrow_memory import keep_arrow_small

    keep_arrow_small()
    from churn_api.serving.engine import ProcessKilled
    from churn_api.tables.errors import TableError

    # Whoever ends it so leaves no unfinished files either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_output(output, table)
    if errors:
        check_output(errors, table, output)
    try:
        with tempfile.TemporaryDirectory(prefix="churn-api-") as folder:
            task = _task(table, output, Path(folder), chosen)
            progress = _run(task, output, errors, chosen["on_error"], chosen["processes"])
    except (TableError, ProcessKilled) as error:
        refuse(str(error))
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            # What an extension makes of Ctrl-C that meets it while it is loaded.
            raise KeyboardInterrupt from error
        raise
    except BrokenPipeError:
        refuse("whoever read the result stopped before its end")
    except OSError as error:
        refuse(f"{error.filename or output}: {error.strerror}")
    _report(progress, output)
    sys.exit(ROWS_SKIPPED if progress.bad_rows else 0)


def _task(table: str, output: str, folder: Path, chosen: dict[str, Any]) -> "Task":
    """What to do, once it is known what the file holds."""
    from churn_api.serving.table_scorer import Task
    from churn_api.tables.layout import prepare, read_layout

    source_format = _format(table, chosen["source_format"], "--from")
    result_format = _format(output, chosen["result_format"], "--to")
    check_terminal(output, result_format)
    bundle, digest = _bundle(chosen["model"], chosen["version"])
    source = _stdin(folder) if table == PIPE else Path(table)
    layout = read_layout(prepare(source, source_format, folder, NO_BOUNDS), source_format)
    return Task(
        bundle=str(bundle),
        digest=digest,
        layout=layout,
        keep=_columns(chosen["keep"]),
        threshold=chosen["threshold"],
        result_format=result_format,
        part_format=FORMATS[result_format].part_format,
        excel_safe=is_excel_safe(chosen, result_format),
    )


def _format(name: str, said: str | None, option: str) -> str:
    """What a file holds: as was said, else by its name; a pipe is of the default format."""
    found = said or (DEFAULT if name == PIPE else format_of_name(name))
    if found is None:
        refuse(f"the name {name} does not tell its format: say {option} {', '.join(FORMATS)}")
    return found


class _BadRows(Exception):
    """Rows are not valid, and none are to be skipped."""


def _run(task: "Task", output: str, errors: str | None, on_error: str, processes: int | None) -> "Progress":
    with atomic_output(errors) if errors else nullcontext() as faults_file:
        try:
            return _write(task, output, faults_file, on_error, processes)
        except _BadRows as error:
            refused = str(error)
        except BundleError as error:
            raise CommandError(f"{task.bundle}: {error}") from error
    # Only here: the file of faults is kept, and it is whole.
    where = f"{errors} lists their faults" if errors else "--errors FILE lists all their faults"
    raise CommandError(f"{refused}, and no output is written: {where}, --on-error skip leaves them without scores")


def _write(task: "Task", output: str, faults_file: BinaryIO | None, on_error: str, processes: int | None) -> "Progress":
    from churn_api.serving.process_engine import in_order
    from churn_api.serving.progress import beginning, steps
    from churn_api.serving.table_scorer import result_schema, score_block
    from churn_api.tables.blocks import blocks
    from churn_api.tables.writers import Joiner

    progress, more = beginning(task.layout), 0
    schema = result_schema(task)
    with (
        atomic_output(output) as sink,
        closing(Joiner(sink, task.result_format, schema)) as joiner,
        row_progress(sys.stderr, progress.total) as bar,
    ):
        results = in_order(partial(score_block, task), blocks(task.layout), processes=processes)
        for step in steps(results, task.layout, progress):
            _write_faults(step.errors, faults_file, progress.bad_rows)
            progress, more = step.progress, more + step.scored.more_faults
            if progress.bad_rows and on_error == "fail":
                _write_count(more, faults_file)
                raise _BadRows(f"{progress.bad_rows:,} of the first {progress.rows:,} rows are not valid")
            joiner.add(step.scored.part)
            bar.at(progress.rows, progress.done)
    _write_count(more, faults_file)
    return progress


def _write_faults(faults: list[dict[str, Any]], file: BinaryIO | None, before: int) -> None:
    """Write a block's faults to the file, or show the first few on stderr."""
    if file is not None:
        file.writelines(orjson.dumps(fault) + b"\n" for fault in faults)
        return
    for fault in faults[: max(0, SHOWN - before)]:
        column = f", column {fault['column']!r}" if fault["column"] else ""
        hint = f" {fault['hint']}" if fault["hint"] else ""
        click.echo(f"row {fault['row']}{column}: {fault['message']}{hint}", err=True)


def _write_count(more: int, file: BinaryIO | None) -> None:
    """End a file that could not hold all faults with a count of the others."""
    if file is not None and more:
        file.write(orjson.dumps({"more_errors": more}) + b"\n")


def _bundle(name: str | None, version: str | None) -> tuple[Path, str]:
    """The folder and the digest of a model's version: the one asked for, the live one, or the newest."""
    settings = load_settings_or_refuse()
    name = name or settings["DEFAULT_MODEL"]
    models = Path(settings["MODELS_DIR"])
    found = bundle_digests(models)
    digests = found.get(name)
    if digests is None:
        refuse(f"the models folder {models} holds no model named {name!r}. {_which(found, name)}")
    version = version or _live(Services(settings), name) or list(digests)[-1]
    if version not in digests:
        refuse(f"{name!r} has no version {version}; it has {', '.join(digests)} (in {models / name})")
    return models / name / version, digests[version]


def _which(found: Collection[str], name: str) -> str:
    """What to do about a model that is not there."""
    if not found:
        return "It is empty: `churn-api train --help` says how one is made, CHURN_MODELS_DIR where others are."
    return did_you_mean(name, found) or f"It holds {', '.join(found)}: name one with --model."


def _live(services: Services, name: str) -> str | None:
    """The version that the catalogue says is live; None where there is no catalogue to ask."""
    database = services.database
    if database.is_local and not Path(database.url.database or "").exists():
        return None
    try:
        schema.check(database)
        entry = services.catalog.read().get(name)
    except StartError as error:
        click.echo(f"The newest version scores: which one is live cannot be asked ({error}).", err=True)
        return None
    except DatabaseAway as error:
        reason = f"the database {database.location} {error.state} ({error})"
        click.echo(f"The newest version scores: which one is live cannot be asked ({reason}).", err=True)
        return None
    finally:
        database.close()
    return entry.live if entry else None


def _stdin(folder: Path) -> Path:
    """What comes in by a pipe, on disk: blocks are cut from files."""
    path = folder / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _columns(keep: str | None) -> tuple[str, ...] | None:
    if keep == "all":
        return None
    return tuple(name.strip() for name in keep.split(",")) if keep else ()


def _report(progress: "Progress", output: str) -> None:
    where = "" if output == PIPE else f" -> {output}"
    skipped = f", {progress.bad_rows:,} without scores" if progress.bad_rows else ""
    click.echo(f"{progress.rows:,} rows{skipped}{where}", err=True)
    for column, cells in progress.unseen.items():
        click.echo(f"column {column!r}: {cells:,} cells hold categories that training did not see", err=True)
