"""`churn-api keys`: create, list, rotate and revoke API keys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import orjson
from limits import parse

from churn_api.access.caller import SCOPES, UnknownScope, parse_scopes
from churn_api.access.keys import KeyConflict
from churn_api.cli.command_helpers import actor, open_services, print_table, refuse

EXAMPLES = """
\b
Examples:
  churn-api keys create --name crm --scopes predict,jobs
  churn-api keys create --name trial --scopes predict --expires 90d --rate 600/minute
  churn-api keys rotate crm --grace 24h
  churn-api keys revoke crm
"""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Span(click.ParamType[timedelta]):
    """A duration, as in 90d, 12h, 30m."""

    name = "span"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """The duration."""
        form = re.fullmatch(r"([0-9]{1,5})([smhd])", str(value))
        if form is None:
            self.fail("a duration is a number and s, m, h or d, as in 90d", param, ctx)
        return timedelta(**{_UNITS[form[2]]: int(form[1])})


@click.group(epilog=EXAMPLES)
def keys() -> None:
    """API keys, which let services call the API."""


@keys.command()
@click.option("--name", required=True, help="Name of the key, shown in logs and the audit log.")
@click.option("--scopes", required=True, metavar="A,B", help=f"Of {', '.join(SCOPES)}.")
@click.option("--expires", type=Span(), metavar="SPAN", help="When it expires, as in 90d. [default: never]")
@click.option("--rate", metavar="RATE", help="Rate limit of this key, as in 600/minute.")
def create(name: str, scopes: str, expires: timedelta | None, rate: str | None) -> None:
    """Create a key, and print it. It cannot be printed again."""
    if not _NAME.fullmatch(name):
        refuse("a key's name has 1 to 64 letters, digits, '.', '_' and '-', and begins with a letter or digit")
    _check_rate(rate)
    try:
        chosen = parse_scopes(filter(None, (scope.strip() for scope in scopes.split(","))))
    except UnknownScope as error:
        refuse(str(error))
    if not chosen:
        refuse(f"a key needs a scope, of {', '.join(SCOPES)}")
    with open_services() as services, _conflicts():
        key = services.keys.create(name, chosen, by=actor(), expires=expires, rate=rate)
    click.echo(key.text)
    click.echo("Keep it now: only its hash is stored. Send it as X-API-Key.", err=True)


@keys.command("list")
@click.option("--json", "json_", is_flag=True, help="Print one JSON list instead of the table.")
def list_(json_: bool) -> None:
    """List keys, without the keys themselves."""
    with open_services() as services:
        rows = services.keys.all()
    if json_:
        click.echo(orjson.dumps([_as_dict(row) for row in rows]))
        return
    head = ["name", "id", "scopes", "rate", "state", "created", "expires", "last used"]
    print_table(head, [[str(value or "-") for value in _as_dict(row).values()] for row in rows])


@keys.command()
@click.argument("name")
@click.option("--grace", type=Span(), default="24h", show_default=True, help="How long the old key stays valid.")
def rotate(name: str, grace: timedelta) -> None:
    """Create a key with the scopes and the rate of NAME's, and print it. The old key stays valid for a grace period."""
    with open_services() as services, _conflicts():
        key = services.keys.rotate(name, by=actor(), grace=grace)
    click.echo(key.text)
    click.echo(f"The old key is valid until {datetime.now(UTC) + grace:%Y-%m-%d %H:%M} UTC.", err=True)


@keys.command()
@click.argument("name_or_id")
def revoke(name_or_id: str) -> None:
    """Revoke all active keys of a name, or one by its id. Workers apply it within two seconds."""
    with open_services() as services, _conflicts():
        for key in services.keys.revoke(name_or_id, by=actor()):
            click.echo(f"revoked {key}")


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except KeyConflict as error:
        refuse(str(error))


def _check_rate(rate: str | None) -> None:
    try:
        if rate is not None:
            parse(rate)
    except ValueError:
        refuse("a rate is a number and a unit of time, as in 600/minute")


def _as_dict(row: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    state = "revoked" if row.revoked_at else "expired" if row.expires_at and row.expires_at <= now else "active"
    return {
        "name": row.name,
        "id": row.id,
        "scopes": row.scopes.replace(" ", ","),
        "rate": row.rate,
        "state": state,
        "created": _minute(row.created_at),
        "expires": _minute(row.expires_at),
        "last_used": _minute(row.last_used_at),
    }


def _minute(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%MZ}"
