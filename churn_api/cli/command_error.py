"""The error of a command."""

import click


class CommandError(click.ClickException):
    """Ends a command with one line on stderr and exit code 2."""

    exit_code = 2
