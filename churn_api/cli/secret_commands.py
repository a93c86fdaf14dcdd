"""The service's own secrets: how another takes the place of the one that the database knows."""

import click

from churn_api.access import fingerprints
from churn_api.access.secrets import secret
from churn_api.cli.command_helpers import actor, load_settings_or_refuse, open_services

EXAMPLES = """
\b
Examples:
  churn-api secrets adopt JWT_SECRET
  churn-api secrets adopt KEY_PEPPER --yes

\b
To rotate one: set the new value on every machine, adopt it once, and restart the machines one after the other.
"""


@click.group(epilog=EXAMPLES)
def secrets() -> None:
    """Secrets of keys and tokens, which all machines of a database share."""


@secrets.command()
@click.argument("name", type=click.Choice(fingerprints.NAMES))
@click.option("--yes", is_flag=True, help="Ask nothing.")
def adopt(name: str, yes: bool) -> None:
    """Have the database know this machine's secret NAME from now on, and end what was made with the one before.

    With KEY_PEPPER every active key is revoked. A secret that a single machine has lost is made anew.
    """
    settings = load_settings_or_refuse()
    with open_services() as found:
        if not yes:
            ends = "revokes every active key" if name == fingerprints.PEPPER else "ends every token"
            click.confirm(f"This {ends}. Go on?", abort=True, err=True)
        own = secret(name, settings[name], found.instance, single_machine=found.database.is_local)
        with found.database.transaction() as connection:
            revoked = fingerprints.adopt(connection, name, own, by=actor())
    for key in revoked:
        click.echo(f"revoked {key}")
    click.echo(f"{name} is adopted: restart every server that has another", err=True)
