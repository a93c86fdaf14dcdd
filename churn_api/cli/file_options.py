"""Options of the command line about the file of a table, the same for training and scoring."""

from collections.abc import Callable
from typing import Any

import click

from churn_api.cli.command_helpers import IntegerRange, refuse
from churn_api.tables.read_options import AS_IT_IS, ENCODINGS, MAX_SKIPPED_ROWS, ReadOptions

_OPTIONS = (
    click.option(
        "--encoding",
        type=click.Choice(ENCODINGS, case_sensitive=False),
        metavar="NAME",
        help="Encoding of a text file, such as latin-1 or cp1252. [default: UTF-8, or its byte order mark's]",
    ),
    click.option(
        "--skip-rows", type=IntegerRange(0, MAX_SKIPPED_ROWS), default=0, metavar="N", help="Lines above the header."
    ),
    click.option("--sheet", metavar="NAME", help="Sheet of a workbook. [default: the first]"),
)


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which receives them as the fields of ReadOptions."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def refuse_read_options(options: ReadOptions, needed: str) -> None:
    """Raise CommandError where an option is given, and the table that it is about is not."""
    given = [name for name, value in options._asdict().items() if value != getattr(AS_IT_IS, name)]
    if given:
        refuse(f"--{given[0].replace('_', '-')} says how to read the table of {needed}, which is not given")


def take_read_options(chosen: dict[str, Any]) -> ReadOptions:
    """Remove the options from a command's parameters, and return them."""
    return ReadOptions(**{name: chosen.pop(name) for name in ReadOptions._fields})
