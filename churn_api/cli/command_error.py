"""How a command says no."""

import click


class CommandError(click.ClickException):
    """A request that cannot be carried out; shown as one line."""

    exit_code = 2
