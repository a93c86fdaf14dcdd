"""Patches of gunicorn's master: it restarts child processes that are not workers, and survives an invalid reload.

gunicorn has no hook for either. Patched are `Arbiter.handle_chld` (or `handle_cld`), which its loop calls after a child
has ended, and `Application.reload`, which reads the configuration again at SIGHUP.
"""

from collections.abc import Callable
from typing import Any


def after_children(server: Any, do: Callable[[], None]) -> None:
    """Call `do` in the master's loop whenever a child has ended and was reaped."""
    handle = server.handle_chld

    def handle_chld() -> None:
        handle()
        do()

    # Python has two names for the signal, and gunicorn uses whichever comes last.
    server.handle_chld = server.handle_cld = handle_chld


def keep_configuration(server: Any) -> None:
    """Keep the old configuration where the new one is invalid at SIGHUP; by default gunicorn would exit."""
    app = server.app
    load = app.reload

    def reload() -> None:
        before = app.cfg
        try:
            load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a configuration file may raise anything
            app.cfg = before
            reason = type(error).__name__
            server.log.error("the configuration cannot be read; the server continues with the old one (%s)", reason)

    app.reload = reload
