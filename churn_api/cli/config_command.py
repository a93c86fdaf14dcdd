"""Show the settings in force."""

import click
import orjson

from churn_api.cli.command_helpers import load_settings_or_refuse, print_table
from churn_api.config import SETTINGS, Setting, default_settings
from churn_api.store_urls import HIDDEN, without_password

EXAMPLES = """
\b
Examples:
  churn-api config
  churn-api config --changed
  CHURN_CONFIG_FILE=churn.toml churn-api config --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--changed", is_flag=True, help="Only those that differ from their default.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object in place of the table.")
def config(changed: bool, json_: bool) -> None:
    """Show every setting as it is in force, secrets hidden, after checking them all."""
    found, defaults = load_settings_or_refuse(), default_settings()
    shown = {
        setting.variable: _shown(setting, found[setting.name])
        for setting in SETTINGS
        if not changed or found[setting.name] != defaults[setting.name]
    }
    if json_:
        click.echo(orjson.dumps(shown))
    else:
        print_table(["variable", "value"], [[name, str(value)] for name, value in shown.items()])


def _shown(setting: Setting, value: object) -> object:
    """A value without what must not be seen: of an address its password, of any other secret everything."""
    if not setting.secret or not value:
        return value
    text = str(value)
    return without_password(text) if "://" in text else HIDDEN
