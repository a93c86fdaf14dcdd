"""AUTH=open, which is for one's own machine: callers without a key are let in from loopback, and from nowhere else.

A server that listens beyond loopback does not start so, unless ALLOW_OPEN says that it is meant. Not every server asks:
so each process looks for itself, before it lets anyone in, at the sockets that it has.
"""

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from click import ClickException, get_current_context
from flask.cli import run_command

from churn_api.access.loopback import advice, check_addresses, is_loopback, listening_beyond_loopback
from churn_api.config import OPEN, ConfigError
from churn_api.web.core.client_address import address_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)


class OpenAuth:
    """Whether an application lets in callers without credentials."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._open: bool = settings["AUTH"] == OPEN
        self._anywhere: bool = settings["ALLOW_OPEN"]
        self._trusted = tuple(settings["TRUSTED_PROXIES"])
        self._checked_by = 0
        self._local = False

    def admits(self, environ: "WSGIEnvironment") -> bool:
        """Whether the sender of a request is let in without credentials."""
        if not self._open or self._anywhere:
            return self._open
        return is_loopback(address_of(environ, self._trusted)) and self._listens_here_alone()

    def _listens_here_alone(self) -> bool:
        """Whether this process listens on loopback alone: looked at once, and told where it does not."""
        if self._checked_by != os.getpid():
            beyond = listening_beyond_loopback()
            if beyond:
                log.error("%s; until then every caller needs a key", advice(beyond))
            self._local, self._checked_by = not beyond, os.getpid()
        return self._local


def check_flask_run(settings: Mapping[str, Any]) -> None:
    """End `flask run`, which loads the application before it listens, where AUTH is open to more than this machine."""
    context = get_current_context(silent=True)
    if context is not None and context.command is run_command:
        try:
            check_addresses(settings, [context.params["host"]])
        except ConfigError as error:
            raise ClickException(str(error)) from error
