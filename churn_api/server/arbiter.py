"""What is changed of gunicorn's master as it runs: it mends what ends beside its workers, and outlives a bad reload.

gunicorn has no hook for either. Touched are `Arbiter.handle_chld` (or `handle_cld`), which its loop calls after a child
has ended, and `Application.reload`, which reads the configuration again at SIGHUP.
"""

from collections.abc import Callable
from typing import Any


def after_children(server: Any, do: Callable[[], None]) -> None:
    """Have something done, in the master's loop, whenever a child has ended and was reaped."""
    handle = server.handle_chld

    def handle_chld() -> None:
        handle()
        do()

    # Python has two names for the signal, and gunicorn takes the one that it meets last.
    server.handle_chld = server.handle_cld = handle_chld


def keep_configuration(server: Any) -> None:
    """Have a configuration that cannot be read at SIGHUP change nothing; gunicorn's own way is to end the server."""
    app = server.app
    load = app.reload

    def reload() -> None:
        before = app.cfg
        try:
            load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a team's own file may raise anything
            app.cfg = before
            reason = type(error).__name__
            server.log.error("the configuration cannot be read, and the server goes on as it was (%s)", reason)

    app.reload = reload
