"""`churn-api serve`: serve the API with gunicorn."""

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from churn_api.cli.command_helpers import load_settings_or_refuse, refuse
from churn_api.config import StartError
from churn_api.server.listen_address import bind_of, check_settings

PACKAGE = Path(__file__).parents[1]
STOP_SECONDS = 60
"""How long a server may take to stop before a changed one starts: a job worker finishes its current block."""

EXAMPLES = """
\b
Examples:
  churn-api serve
  churn-api serve --port 8001 --workers 4
  CHURN_AUTH=open churn-api serve --reload
  HOST=unix:/run/churn-api.sock churn-api serve

\b
Exit codes:
  0  stopped by a signal
  1  interrupted, or gunicorn could not start: the reason is on stderr
  2  refused, with the reason on stderr
"""


@click.command(epilog=EXAMPLES)
@click.option("--host", metavar="HOST", help="Address to listen on, or unix:PATH. [default: HOST, else 127.0.0.1]")
@click.option("--port", metavar="PORT", help="Port to listen on. [default: PORT, else 8000]")
@click.option("--workers", metavar="N", help="Worker processes. [default: WEB_CONCURRENCY, else 2]")
@click.option(
    "--live",
    is_flag=True,
    help="First make the newest version live of each model that has no live version. For containers that bring theirs.",
)
@click.option("--reload", is_flag=True, help="Restart when a file of the package changes. For development.")
def serve(host: str | None, port: str | None, workers: str | None, live: bool, reload: bool) -> None:
    """Serve the API with gunicorn and this package's configuration; all settings apply.

    gunicorn replaces this process: signals and exit codes are gunicorn's.
    """
    for variable, value in (("HOST", host), ("PORT", port), ("WEB_CONCURRENCY", workers)):
        if value is not None:
            os.environ[variable] = value  # noqa: TID251 - set, not read
    settings = load_settings_or_refuse()
    try:
        check_settings(settings)
    except StartError as error:
        refuse(str(error))
    if live:
        from churn_api.cli.model_commands import make_newest_live

        make_newest_live()
    configuration = ["--config", "python:churn_api.server.gunicorn_conf", "--bind", bind_of(settings)]
    command = [sys.executable, "-m", "gunicorn", *configuration, "churn_api.server.wsgi:app"]
    if reload:
        _run_with_reload(command)
    else:
        os.execv(command[0], command)  # noqa: S606  # nosec B606


def _run_with_reload(command: list[str]) -> None:
    """Run a command in a child process, and restart it when a file of the package changes."""
    if find_spec("watchfiles") is None:
        refuse("--reload needs an extra: pip install 'churn-api[reload]'")
    from watchfiles import run_process

    run_process(PACKAGE, target=shlex.join(command), target_type="command", sigint_timeout=STOP_SECONDS)
