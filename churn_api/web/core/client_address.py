"""Where a request comes from: the client's own address, as far as it can be believed."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from churn_api.config import UNIX
from churn_api.host_names import address_in


def is_from_proxy(environ: Mapping[str, Any], trusted: tuple[str, ...]) -> bool:
    """Whether a proxy that is trusted passed a request on."""
    return _is_trusted(_peer(environ), trusted)


def address_of(environ: Mapping[str, Any], trusted: tuple[str, ...]) -> str:
    """The address of whoever stands before the proxies that are trusted; `unix` where nothing better is known."""
    address = _peer(environ)
    if trusted and _is_trusted(address, trusted):
        for sent in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            # What stands further to the left was written by whoever comes now, and may be made up.
            found = address_in(sent)
            if found is None:
                break
            address = found
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
    return tuple(_plain(ip_network(entry)) for entry in trusted if entry != UNIX)


def _plain(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """A network of IPv4 addresses inside IPv6 ones as what it is."""
    inner = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return network if inner is None else IPv4Network((inner, network.prefixlen - 96))
