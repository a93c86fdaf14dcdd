"""What the commands share: settings, services, and how they refuse."""

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
    """A number within bounds. click's own lets NaN through, which is neither below nor above any of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.FloatRange."""
        _require_digits(self, value, param, ctx)
        return super().convert(value, param, ctx)


class IntegerRange(click.IntRange):
    """A whole number within bounds."""

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
    """End the command with one line, and exit code 2."""
    raise CommandError(" ".join(why.split()))


def load_settings_or_refuse() -> dict[str, Any]:
    """The settings of the environment."""
    try:
        return load_settings()
    except ConfigError as error:
        refuse(str(error))


@contextmanager
def open_services(*, checked: bool = True) -> Iterator["Services"]:
    """The services that a command works on; what goes wrong with the database or a secret is told in one line."""
    # Only here: a command that needs no database does without.
    from churn_api.services import Services
    from churn_api.store import schema
    from churn_api.store.database import DatabaseAway
    from churn_api.store.wait_limit import COMMAND_SECONDS

    settings = load_settings_or_refuse()
    try:
        found = Services(settings)
        found.database.seconds = COMMAND_SECONDS
        with closing(found.database):
            if checked:
                schema.check(found.database)
            yield found
    except StartError as error:
        refuse(str(error))
    except DatabaseAway as error:
        refuse(f"the database {found.database.location} {error.state} ({error})")


def actor() -> str:
    """Who runs the command, as the audit names them."""
    from churn_api.store import audit

    return audit.actor("command")


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Print columns, as wide as they need to be. A cell is never two lines: what cannot be printed is escaped."""
    rows = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
