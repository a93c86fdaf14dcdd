"""The listening address, and checks of it before gunicorn starts, which would retry five times."""

import os
import socket
from collections.abc import Mapping
from typing import Any

from gunicorn import systemd  # type: ignore[import-untyped]

from churn_api.access.loopback import check_addresses
from churn_api.config import StartError, inherited_descriptors


class CannotListen(StartError):
    """The address cannot be used; the text names it, the reason, and the settings to change."""


def bind_of(settings: Mapping[str, Any]) -> str:
    """Gunicorn's `bind`: HOST and PORT as in a URL, or `unix:` and a path."""
    host: str = settings["HOST"]
    if host.startswith("unix:"):
        return host
    return _address_text(host, settings["PORT"])


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise CannotListen where HOST and PORT cannot be used, ConfigError where AUTH=open listens beyond loopback.

    Sockets from systemd are bound already.
    """
    if not _are_from_systemd():
        check_addresses(settings, [settings["HOST"]])
    if not settings["HOST"].startswith("unix:") and not _are_from_systemd():
        _check(settings["HOST"], settings["PORT"])


def check_server(server: Any) -> None:
    """Raise CannotListen where gunicorn cannot use one of its addresses.

    Not checked where another process passes its sockets (systemd, a master at SIGUSR2), or shares the port.
    """
    if server.master_pid or server.cfg.reuse_port or _are_from_systemd():
        return
    for address in server.address:
        # A tuple is a host and a port, a string is a socket's path, which gunicorn replaces, an int is a descriptor.
        if isinstance(address, tuple):
            _check(*address)


def check_open_auth(server: Any, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError where AUTH=open and gunicorn listens beyond loopback, whatever configured it."""
    check_addresses(settings, map(_host_of, _bound(server)))


def _bound(server: Any) -> list[Any]:
    """What gunicorn will listen on: addresses, paths, and descriptors of inherited sockets."""
    inherited = systemd.listen_fds(unset_environment=False)
    if inherited:
        return list(range(systemd.SD_LISTEN_FDS_START, systemd.SD_LISTEN_FDS_START + inherited))
    if server.master_pid:
        return inherited_descriptors()
    return list(server.address)


def _host_of(address: Any) -> str:
    """The host of an address; for a Unix socket a text that starts with `unix:/`."""
    if isinstance(address, int):
        with socket.socket(fileno=os.dup(address)) as inherited:
            address = inherited.getsockname()
    return str(address[0]) if isinstance(address, tuple) else f"unix:/{address}"


def _are_from_systemd() -> bool:
    return bool(systemd.listen_fds(unset_environment=False))


def _check(host: str, port: int) -> None:
    """Raise CannotListen where a TCP address is taken, is not on this machine, or is not permitted."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As gunicorn does, so that connections in TIME_WAIT do not matter.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {_address_text(host, port)} ({error.strerror}): "
            f"choose another address by HOST or PORT, as in PORT={port + 1}"
        ) from error


def _address_text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
