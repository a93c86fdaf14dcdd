"""The client's address: behind trusted proxies taken from X-Forwarded-For, else the peer's."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from churn_api.host_names import UNIX, address_in


def is_from_proxy(environ: Mapping[str, Any], trusted: tuple[str, ...]) -> bool:
    """Whether a trusted proxy forwarded the request."""
    return _is_trusted(_peer(environ), trusted)


def address_of(environ: Mapping[str, Any], trusted: tuple[str, ...]) -> str:
    """The address of the client in front of the trusted proxies; `unix` for a Unix socket without one."""
    address = _peer(environ)
    if trusted and _is_trusted(address, trusted):
        for sent in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            # Entries left of the first untrusted address come from the client and may be forged.
            forwarded = address_in(sent)
            if forwarded is None:
                break
            address = forwarded
            if not _is_trusted(address, trusted):
                break
    return address


def _peer(environ: Mapping[str, Any]) -> str:
    peer: str = environ.get("REMOTE_ADDR") or UNIX
    return address_in(peer) or peer


def _is_trusted(address: str, trusted: tuple[str, ...]) -> bool:
    if address_in(address) is None:
        return address == UNIX and UNIX in trusted
    return any(ip_address(address) in network for network in _networks(trusted))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_as_ipv4(ip_network(entry)) for entry in trusted if entry != UNIX)


def _as_ipv4(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """The IPv4 network of an IPv4-mapped IPv6 network; any other network unchanged."""
    inner = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return network if inner is None else IPv4Network((inner, network.prefixlen - 96))
