"""AUTH=open, for development: callers without a key are accepted from loopback only.

A server that listens beyond loopback does not start with it, unless ALLOW_OPEN is set. Servers other than `churn-api
serve` skip that check, so each process also inspects its own listening sockets before it accepts such a caller.
"""

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from click import ClickException, get_current_context
from flask.cli import run_command

from churn_api.access.loopback import advice, check_addresses, is_loopback, listening_beyond_loopback
from churn_api.config import ConfigError
from churn_api.settings import OPEN
from churn_api.web.core.client_address import address_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)


class OpenAuth:
    """Decides whether an application accepts callers without credentials."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._open: bool = settings["AUTH"] == OPEN
        self._anywhere: bool = settings["ALLOW_OPEN"]
        self._trusted = tuple(settings["TRUSTED_PROXIES"])
        self._checked_by = 0
        self._local = False

    def admits(self, environ: "WSGIEnvironment") -> bool:
        """Whether a request without credentials is accepted."""
        if not self._open or self._anywhere:
            return self._open
        return is_loopback(address_of(environ, self._trusted)) and self._listens_on_loopback_only()

    def _listens_on_loopback_only(self) -> bool:
        """Whether this process listens on loopback only. Checked once a process, and logged where it does not."""
        if self._checked_by != os.getpid():
            beyond = listening_beyond_loopback()
            if beyond:
                log.error("%s; until then every caller needs a key", advice(beyond))
            self._local, self._checked_by = not beyond, os.getpid()
        return self._local


def check_flask_run(settings: Mapping[str, Any]) -> None:
    """Stop `flask run` where AUTH=open would listen beyond loopback: it loads the application before it listens."""
    context = get_current_context(silent=True)
    if context is not None and context.command is run_command:
        try:
            check_addresses(settings, [context.params["host"]])
        except ConfigError as error:
            raise ClickException(str(error)) from error
