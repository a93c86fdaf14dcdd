"""Checks of the values of settings."""

import re
from collections.abc import Callable
from ipaddress import ip_network

from environs import ValidationError
from limits import parse

from churn_api.host_names import UNIX, is_origin, trusted_host
from churn_api.store_urls import UrlError

MIN_SECRET = 32
"""Minimum length of a secret, in characters."""

_ROUTE = re.compile(r"(?:/[A-Za-z0-9._~:@-]+)+")
_BUCKET_URL = re.compile(r"(?:s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]*/(?:[^?#@\s]*/)?")
"""A bucket, or a folder in one, without options and passwords."""


def check_secret(text: str) -> None:
    """Raise ValidationError where a secret is too short."""
    if text and len(text) < MIN_SECRET:
        raise ValidationError(f"Must have {MIN_SECRET} characters or more.")


def check_rate(text: str) -> None:
    """Raise ValidationError where a text is not a rate limit."""
    try:
        parse(text)
    except ValueError as error:
        raise ValidationError("Must be a rate, as in 100/minute.") from error


def check_optional_rate(text: str) -> None:
    """Raise ValidationError where a text is neither empty nor a rate limit."""
    if text:
        check_rate(text)


def check_networks(entries: list[str]) -> None:
    """Raise ValidationError where an entry is neither a network nor `unix`."""
    for entry in entries:
        try:
            if entry != UNIX:
                ip_network(entry)
        except ValueError as error:
            raise ValidationError(f"Must be networks, as in 10.0.0.0/8, or {UNIX}.") from error


def check_bucket_urls(entries: list[str]) -> None:
    """Raise ValidationError where an entry is not the URL of a bucket or of a folder in one."""
    if not all(_BUCKET_URL.fullmatch(entry) for entry in entries):
        raise ValidationError("Must be addresses of s3:// or gs:// that end in /, as in s3://bucket/folder/.")


def check_optional_route(text: str) -> None:
    """Raise ValidationError where a text is not the path of a route; it may be empty."""
    if text and not _ROUTE.fullmatch(text):
        raise ValidationError("Must be a path of letters, digits and - . _ ~ : @ in segments, as in /predict.")


def check_hosts(entries: list[str]) -> None:
    """Raise ValidationError where an entry is not a host."""
    for entry in entries:
        if trusted_host(entry) is None:
            raise ValidationError(
                f"{entry!r} is no host. Must be names or addresses, as in api.example.com or 10.0.0.7, "
                "or .example.com for all names below."
            )


def check_origins(entries: list[str]) -> None:
    """Raise ValidationError where an entry is not an origin."""
    for entry in entries:
        if not is_origin(entry):
            raise ValidationError(
                f"{entry!r} is no origin. Must be as browsers send them, https://app.example.com or "
                "http://localhost:3000, with no path, slash or default port at the end, or https://*.example.com "
                "for all names below."
            )


def check_optional_url(text: str) -> None:
    """Raise ValidationError where a text is neither empty nor an HTTP URL."""
    if text and not text.startswith(("http://", "https://")):
        raise ValidationError("Must be an address, as in http://collector:4318.")


def check_optional_contact(text: str) -> None:
    """Raise ValidationError where a text is neither empty nor an e-mail address or URL."""
    if text and not re.fullmatch(r"https?://\S+|[^\s@:]+@[^\s@:]+", text):
        raise ValidationError("Must be an e-mail address, or one that begins with https://.")


def optional_url_check(check: Callable[[str], None]) -> Callable[[str], None]:
    """A check that accepts an empty text, or a URL that passes `check`."""

    def checked(text: str) -> None:
        try:
            if text:
                check(text)
        except UrlError as error:
            raise ValidationError(str(error)) from error

    return checked
