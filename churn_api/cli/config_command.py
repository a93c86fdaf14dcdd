"""`churn-api config`: show the settings in force."""

import click
import orjson

from churn_api.cli.command_helpers import load_settings_or_refuse, print_table
from churn_api.config import default_settings, setting_remarks
from churn_api.settings import SETTINGS, Setting
from churn_api.store_urls import HIDDEN, without_password

EXAMPLES = """
\b
Examples:
  churn-api config
  churn-api config --changed
  CHURN_CONFIG_FILE=churn.toml churn-api config --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--changed", is_flag=True, help="Only settings that differ from their default.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object instead of the table.")
def config(changed: bool, json_: bool) -> None:
    """Check all settings, and show their values, with secrets hidden."""
    settings, defaults = load_settings_or_refuse(), default_settings()
    shown = {
        setting.variable: _shown(setting, settings[setting.name])
        for setting in SETTINGS
        if not changed or settings[setting.name] != defaults[setting.name]
    }
    if json_:
        click.echo(orjson.dumps(shown))
    else:
        for remark in setting_remarks(settings):
            click.echo(remark, err=True)
        print_table(["variable", "value"], [[name, str(value)] for name, value in shown.items()])


def _shown(setting: Setting, value: object) -> object:
    """A setting's value; a secret is hidden, and of a secret URL only the password."""
    if not setting.secret or not value:
        return value
    text = str(value)
    return without_password(text) if "://" in text else HIDDEN
