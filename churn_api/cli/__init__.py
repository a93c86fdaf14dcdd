"""The `churn-api` command. Results go to stdout, progress and errors to stderr.

Exit codes: 0 success, 1 interrupted, 2 refused; only success writes anything. `score` has one more.
"""

from importlib import import_module

import click

from churn_api import __version__
from churn_api.cli.command_error import CommandError
from churn_api.contract.unicode_text import is_unicode

MODULES = {
    "audit": "database_commands",
    "call-list": "call_list_command",
    "config": "config_command",
    "db": "database_commands",
    "demo": "demo_command",
    "experiments": "experiment_commands",
    "jobs": "job_commands",
    "keys": "key_commands",
    "models": "model_commands",
    "outcomes": "outcome_commands",
    "package": "package_command",
    "predictions": "prediction_commands",
    "quality": "quality_command",
    "report": "report_command",
    "sample-data": "sample_data_command",
    "score": "score_command",
    "secrets": "secret_commands",
    "serve": "serve_command",
    "signature": "signature_command",
    "train": "train_command",
    "watch": "watch_command",
    "worker": "worker_command",
}
"""The module of each command."""


class _Commands(click.Group):
    """Imports the module of a command when the command is used, so that none loads the libraries of the others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Checked here for all commands: surrogates would fail later, at a different place in each of them.
        for position, argument in enumerate(args, 1):
            if not is_unicode(argument):
                raise CommandError(f"argument {position} is not UTF-8 text")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        module = import_module(f"churn_api.cli.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="churn-api")
def main() -> None:
    """Churn probabilities over HTTP: train a model on a table of customers, and serve it."""
