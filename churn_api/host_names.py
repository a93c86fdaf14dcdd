"""Normalizes hosts, addresses and origins of headers and settings, so that equal ones are equal strings."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

UNIX = "unix"
"""The client address of a request over a Unix socket."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_PORT = "(?::(?P<port>[0-9]{1,5}))?"
_AUTHORITY = re.compile(rf"(?:(?P<name>{_NAME})\.?|\[(?P<literal>[0-9a-f:.]+)\]){_PORT}", re.IGNORECASE | re.ASCII)
# A wildcard needs at least two labels after it: *.com has no single owner.
_ORIGIN = re.compile(rf"([a-z][a-z0-9+.-]*)://(\*\.(?={_LABEL}\.))?([^*/]+)", re.IGNORECASE | re.ASCII)


def host_of(authority: str) -> str | None:
    """The host of `host` or `host:port`, in lower case, IPv6 addresses without brackets; None where it is malformed.

    https://datatracker.ietf.org/doc/html/rfc3986#section-3.2
    """
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not 0 < int(parts["port"] or 1) < 1 << 16:
        return None
    if parts["literal"] is None:
        return parts["name"].lower()
    address = _address(parts["literal"])
    return str(address) if isinstance(address, IPv6Address) else None


@lru_cache(maxsize=1024)
def address_in(text: str) -> str | None:
    """The IP address in a text from a proxy or a socket; None where there is none.

    Ports, brackets and zones are removed, and IPv4-mapped IPv6 addresses become IPv4.
    """
    text = text.strip()
    if text.startswith("[") or text.count(":") == 1:
        text = host_of(text) or ""
    address = _address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return None if address is None else str(address)


def trusted_host(entry: str) -> str | None:
    """A trusted host, normalized as by `host_of`; a leading dot matches all subdomains. None where it is malformed."""
    address = _address(entry)
    if address is not None:
        return str(address)
    below = entry.startswith(".")
    host = host_of(_idna(entry[1:] if below else entry))
    return f".{host}" if below and host else host


def is_origin(text: str) -> bool:
    """Whether a text is an origin as browsers send it, or one with `*.` for all subdomains.

    https://datatracker.ietf.org/doc/html/rfc6454#section-6.2
    """
    parts = _ORIGIN.fullmatch(text)
    if parts is None or host_of(parts[3]) is None:
        return False
    return not parts[3].endswith(f":{DEFAULT_PORTS.get(parts[1].lower())}")


def origin_pattern(origin: str) -> re.Pattern[str]:
    """A pattern that matches an origin completely."""
    return re.compile(re.escape(origin).replace(r"\*\.", r"(?:[a-z0-9_-]+\.)+") + r"\Z", re.IGNORECASE)


def _idna(name: str) -> str:
    """An internationalized name in the ASCII form that browsers send."""
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
