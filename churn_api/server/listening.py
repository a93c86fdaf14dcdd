"""Where the server listens, and whether it can: asked before gunicorn tries five times over."""

import os
import socket
from collections.abc import Mapping
from typing import Any

from gunicorn import systemd  # type: ignore[import-untyped]

from churn_api.access.loopback import check_addresses
from churn_api.config import StartError, inherited_descriptors


class CannotListen(StartError):
    """An address that cannot be listened on; the text names it, why, and the settings that choose another."""


def bind_of(settings: Mapping[str, Any]) -> str:
    """What gunicorn is to listen on: HOST and PORT as URLs write them, or `unix:` and a path."""
    host: str = settings["HOST"]
    if host.startswith("unix:"):
        return host
    return _address_text(host, settings["PORT"])


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise CannotListen where HOST and PORT cannot be listened on, ConfigError where AUTH is open to more than this
    machine. Sockets of systemd's are bound already.
    """
    if not _are_from_systemd():
        check_addresses(settings, [settings["HOST"]])
    if not settings["HOST"].startswith("unix:") and not _are_from_systemd():
        _check(settings["HOST"], settings["PORT"])


def check_server(server: Any) -> None:
    """Raise CannotListen where a gunicorn that starts cannot listen on one of its addresses.

    Not where another process hands its sockets over (systemd, a master that SIGUSR2 upgrades), or shares the port.
    """
    if server.master_pid or server.cfg.reuse_port or _are_from_systemd():
        return
    for address in server.address:
        # A tuple is a host and a port; a text is a socket's path, which gunicorn takes over; a number is a descriptor.
        if isinstance(address, tuple):
            _check(*address)


def check_open_auth(server: Any, settings: Mapping[str, Any]) -> None:
    """Raise ConfigError where AUTH is open and a gunicorn that starts listens beyond loopback, whoever said so."""
    check_addresses(settings, map(_host_of, _bound(server)))


def _bound(server: Any) -> list[Any]:
    """What a gunicorn that starts listens on: addresses, paths, and descriptors of sockets that it is handed."""
    handed = systemd.listen_fds(unset_environment=False)
    if handed:
        return list(range(systemd.SD_LISTEN_FDS_START, systemd.SD_LISTEN_FDS_START + handed))
    if server.master_pid:
        return inherited_descriptors()
    return list(server.address)


def _host_of(address: Any) -> str:
    """The host of an address; of a socket in the file system its path, and something like one where it has no name."""
    if isinstance(address, int):
        with socket.socket(fileno=os.dup(address)) as handed:
            address = handed.getsockname()
    return str(address[0]) if isinstance(address, tuple) else f"unix:/{address}"


def _are_from_systemd() -> bool:
    return bool(systemd.listen_fds(unset_environment=False))


def _check(host: str, port: int) -> None:
    """Raise CannotListen where a TCP address is taken, is not this machine's, or may not be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # As gunicorn does: connections of a server that has just ended are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {_address_text(host, port)} ({error.strerror}): "
            f"choose another address by HOST or PORT, as in PORT={port + 1}"
        ) from error


def _address_text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
