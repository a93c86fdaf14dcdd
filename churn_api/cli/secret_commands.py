"""`churn-api secrets`: replace the secrets whose fingerprints the database stores."""

import click

from churn_api.access import secret_fingerprints
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
    """The secrets of keys, tokens and the prediction log, which all machines of a database share."""


@secrets.command()
@click.argument("name", type=click.Choice(secret_fingerprints.NAMES))
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def adopt(name: str, yes: bool) -> None:
    """Store the fingerprint of this machine's secret NAME in the database, in place of the previous one.

    Tokens, or with KEY_PEPPER all active keys, that were made with the previous secret become invalid. With LOG_SECRET
    no customer is found any more in what was logged before. On a single machine a lost secret is generated again.
    """
    settings = load_settings_or_refuse()
    with open_services() as services:
        if not yes:
            click.confirm(f"This {secret_fingerprints.EFFECTS[name]}. Continue?", abort=True, err=True)
        own = secret(name, settings[name], services.instance, single_machine=services.database.is_local)
        with services.database.transaction() as connection:
            revoked = secret_fingerprints.adopt(connection, name, own, by=actor())
    for key in revoked:
        click.echo(f"revoked {key}")
    click.echo(f"{name} is adopted: restart all servers that use another value", err=True)
