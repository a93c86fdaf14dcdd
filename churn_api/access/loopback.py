"""Checks for AUTH=open: which addresses are loopback, and the error for others."""

import socket
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

import psutil

from churn_api.config import ConfigError
from churn_api.settings import OPEN, PREFIX


def check_addresses(settings: Mapping[str, Any], addresses: Iterable[str]) -> None:
    """Raise ConfigError where AUTH is open and an address is not loopback. Socket paths are not."""
    if settings["AUTH"] == OPEN and not settings["ALLOW_OPEN"]:
        beyond = [address for address in addresses if not _resolves_to_loopback(address)]
        if beyond:
            raise ConfigError(advice(beyond))


def advice(addresses: Iterable[str]) -> str:
    """The error for addresses beyond loopback, and what to do."""
    return (
        f"AUTH=open lets anyone in who reaches {', '.join(address or 'any address' for address in addresses)}: "
        f"set {PREFIX}AUTH=required, or {PREFIX}ALLOW_OPEN=1 if that is meant"
    )


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Whether a text is a loopback IP address; False for names and paths."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback


def listening_beyond_loopback() -> list[str]:
    """The addresses beyond loopback on which this process listens; empty where the system does not report them."""
    try:
        connections = psutil.Process().net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return []
    listening = {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    return sorted(address for address in listening if not is_loopback(address))


def _resolves_to_loopback(address: str) -> bool:
    """Whether every address of a name is loopback. A socket path is not: a proxy may forward to it."""
    if not address or "/" in address:
        return False
    try:
        entries = socket.getaddrinfo(address.strip("[]"), None)
    except (OSError, UnicodeError):
        return False
    return all(is_loopback(str(entry[4][0])) for entry in entries)
