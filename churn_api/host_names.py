"""Hosts, addresses and origins as they stand in headers and settings: equal ones read as equal texts."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

DEFAULT_PORTS = {"http": 80, "https": 443}

_LABEL = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_PORT = "(?::(?P<port>[0-9]{1,5}))?"
_AUTHORITY = re.compile(rf"(?:(?P<name>{_NAME})\.?|\[(?P<literal>[0-9a-f:.]+)\]){_PORT}", re.IGNORECASE | re.ASCII)
# A star stands for all below a name of two labels: all below .com is nobody's.
_ORIGIN = re.compile(rf"([a-z][a-z0-9+.-]*)://(\*\.(?={_LABEL}\.))?([^*/]+)", re.IGNORECASE | re.ASCII)


def host_of(authority: str) -> str | None:
    """The host of `host` or `host:port`, in small letters, an IPv6 literal without its brackets; None of anything else.

    https://datatracker.ietf.org/doc/html/rfc3986#section-3.2
    """
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or not 0 < int(parts["port"] or 1) < 1 << 16:
        return None
    if parts["literal"] is None:
        return parts["name"].lower()
    found = _address(parts["literal"])
    return str(found) if isinstance(found, IPv6Address) else None


@lru_cache(maxsize=1024)
def address_in(text: str) -> str | None:
    """The address in what a proxy or a socket calls one; None where there is none.

    With a port, in brackets or with a zone it is the same address; so is an IPv4 address inside an IPv6 one.
    """
    text = text.strip()
    if text.startswith("[") or text.count(":") == 1:
        text = host_of(text) or ""
    found = _address(text.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return None if found is None else str(found)


def trusted_host(entry: str) -> str | None:
    """A host in a list of those that are trusted, as `host_of` has it; a dot before a name stands for all below it."""
    found = _address(entry)
    if found is not None:
        return str(found)
    below = entry.startswith(".")
    host = host_of(_as_sent(entry[1:] if below else entry))
    return f".{host}" if below and host else host


def is_origin(text: str) -> bool:
    """Whether it is an origin as browsers send it, or one with `*.` for all names below another.

    https://datatracker.ietf.org/doc/html/rfc6454#section-6.2
    """
    parts = _ORIGIN.fullmatch(text)
    if parts is None or host_of(parts[3]) is None:
        return False
    return not parts[3].endswith(f":{DEFAULT_PORTS.get(parts[1].lower())}")


def origin_pattern(origin: str) -> re.Pattern[str]:
    """What matches an origin from its beginning to its end."""
    return re.compile(re.escape(origin).replace(r"\*\.", r"(?:[a-z0-9_-]+\.)+") + r"\Z", re.IGNORECASE)


def _as_sent(name: str) -> str:
    """A name of other letters than ASCII's as browsers send it."""
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
