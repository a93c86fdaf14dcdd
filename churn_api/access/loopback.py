"""Loopback, where AUTH=open is at home: which addresses no other machine can reach, and what is said of others."""

import socket
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

import psutil

from churn_api.config import OPEN, PREFIX, ConfigError


def check_addresses(settings: Mapping[str, Any], addresses: Iterable[str]) -> None:
    """Raise ConfigError where AUTH is open and one of the addresses is beyond loopback: a name, or a socket's path."""
    if settings["AUTH"] == OPEN and not settings["ALLOW_OPEN"]:
        beyond = [address for address in addresses if not _leads_to_loopback(address)]
        if beyond:
            raise ConfigError(advice(beyond))


def advice(addresses: Iterable[str]) -> str:
    """What to do about addresses beyond loopback."""
    return (
        f"AUTH=open lets anyone in who reaches {', '.join(address or 'any address' for address in addresses)}: "
        f"set {PREFIX}AUTH=required, or {PREFIX}ALLOW_OPEN=1 if that is meant"
    )


@lru_cache(maxsize=256)
def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, which no other can send from; a name or a path is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback


def listening_beyond_loopback() -> list[str]:
    """The addresses beyond loopback on which this process listens, as far as the system says."""
    try:
        found = psutil.Process().net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return []
    listening = {connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN}
    return sorted(address for address in listening if not is_loopback(address))


def _leads_to_loopback(address: str) -> bool:
    """Whether all that a name stands for is loopback. A path is not: who connects to it may act for anyone."""
    if not address or "/" in address:
        return False
    try:
        found = socket.getaddrinfo(address.strip("[]"), None)
    except (OSError, UnicodeError):
        return False
    return all(is_loopback(str(entry[4][0])) for entry in found)
