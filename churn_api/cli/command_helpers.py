"""Helpers of all commands: settings, services, number options, tables and errors."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from churn_api.cli.command_error import CommandError
from churn_api.config import ConfigError, StartError, load_settings
from churn_api.contract.numerals import is_numeral

if TYPE_CHECKING:
    from churn_api.services import Services


class FiniteRange(click.FloatRange):
    """click.FloatRange without NaN, which compares neither below nor above a bound."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.FloatRange."""
        _require_digits(self, value, param, ctx)
        return super().convert(value, param, ctx)


class IntegerRange(click.IntRange):
    """click.IntRange that accepts ASCII digits only."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.IntRange."""
        _require_digits(self, value, param, ctx)
        return super().convert(value, param, ctx)


def _require_digits(
    kind: click.FloatRange | click.IntRange, value: Any, param: click.Parameter | None, ctx: click.Context | None
) -> None:
    if isinstance(value, str) and not is_numeral(value):
        kind.fail(f"{value!r} is not a number.", param, ctx)


def refuse(why: str) -> NoReturn:
    """End the command with one line on stderr and exit code 2."""
    raise CommandError(" ".join(why.split()))


def load_settings_or_refuse() -> dict[str, Any]:
    """The settings from the environment. Raises CommandError."""
    try:
        return load_settings()
    except ConfigError as error:
        refuse(str(error))


@contextmanager
def open_services(*, checked: bool = True) -> Iterator["Services"]:
    """The services of a command. Errors of the database or of a secret end the command with one line.

    `checked` requires the database to have the schema of this version. Raises CommandError.
    """
    # Imported here: commands that use no database do not load SQLAlchemy.
    from churn_api.services import Services
    from churn_api.store import schema
    from churn_api.store.database import DatabaseAway
    from churn_api.store.wait_limit import COMMAND_SECONDS

    settings = load_settings_or_refuse()
    try:
        app_services = Services(settings)
        app_services.database.seconds = COMMAND_SECONDS
        with closing(app_services.database):
            if checked:
                schema.check(app_services.database)
            yield app_services
    except StartError as error:
        refuse(str(error))
    except DatabaseAway as error:
        refuse(f"the database {app_services.database.location} {error.state} ({error})")


def actor() -> str:
    """The user who runs the command, as the audit log records it."""
    from churn_api.store import audit

    return audit.actor("command")


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Print aligned columns. Unprintable characters are escaped, so that a row is always one line."""
    rows = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
