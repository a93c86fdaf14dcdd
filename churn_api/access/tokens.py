"""Tokens (JWT, RFC 7519): short-lived ones that the service issues, and those of an identity provider."""

import json
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

import jwt

from churn_api.access.caller import SCOPES, Caller, Denied
from churn_api.config import StartError
from churn_api.contract.fields import PRINTABLE
from churn_api.contract.unicode_text import is_unicode

ISSUER = "churn-api"
ALGORITHM = "HS256"
FOREIGN_ALGORITHMS = ("RS256", "EdDSA")

MAX_SUBJECT_LENGTH = 255
"""OpenID Connect Core, section 2."""

_PRINTABLE = re.compile(PRINTABLE)


class BadKeySet(StartError):
    """The JWKS file has no usable key; the text says why."""


class Provider(NamedTuple):
    """An identity provider whose tokens are accepted."""

    keys: tuple[jwt.PyJWK, ...]
    issuer: str


class Tokens:
    """Issues and verifies tokens."""

    def __init__(
        self, secret: bytes, *, audience: str, seconds: int, leeway: int = 0, provider: Provider | None = None
    ) -> None:
        self._secret = secret
        self._audience = audience
        self._provider = provider
        self._leeway = leeway
        self.seconds = seconds

    def make(self, caller: Caller, scopes: frozenset[str]) -> str:
        """Issue a token with some of a caller's scopes. Rate limits count it together with the caller's key."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": caller.identity,
            "name": caller.name,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + self.seconds,
        }
        return jwt.encode(claims | ({"rate": caller.rate} if caller.rate else {}), self._secret, ALGORITHM)

    def read(self, text: str) -> Caller:
        """The caller of a token. Raises Denied.

        The configuration alone decides which key and algorithm verify it; a header that names others is rejected.
        """
        try:
            header = jwt.get_unverified_header(text)
            if header.get("alg") == ALGORITHM:
                return _caller(self._verified(text, self._secret, ALGORITHM, ISSUER))
            return _foreign_caller(self._by_provider(text, header))
        except jwt.ExpiredSignatureError as error:
            raise Denied("token-expired") from error
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise Denied("invalid-token") from error

    def _by_provider(self, text: str, header: dict[str, Any]) -> dict[str, Any]:
        provider = self._provider
        if provider is None:
            raise Denied("invalid-token")
        for key in provider.keys:
            if key.algorithm_name == header.get("alg") and header.get("kid", key.key_id) == key.key_id:
                return self._verified(text, key.key, key.algorithm_name, provider.issuer)
        raise Denied("invalid-token")

    def _verified(self, text: str, key: Any, algorithm: str, issuer: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=self._audience,
            issuer=issuer,
            leeway=self._leeway,
            # `iat` is not verified: the clocks of machines differ, and are set back.
            options={"require": ["exp", "sub", "iss", "aud"], "verify_iat": False},
        )
        return claims


def read_key_set(path: Path, issuer: str) -> Provider:
    """The public keys of an identity provider. Raises BadKeySet."""
    if not issuer:
        raise BadKeySet("JWKS_FILE needs JWT_ISSUER too: set it to the issuer of the tokens")
    try:
        entries = jwt.PyJWKSet.from_dict(json.loads(path.read_bytes())).keys
    except OSError as error:
        raise BadKeySet(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise BadKeySet(f"{path} is not a JWKS") from error
    keys = tuple(entry for entry in entries if entry.algorithm_name in FOREIGN_ALGORITHMS)
    if not keys:
        raise BadKeySet(f"{path} has no key for {' or '.join(FOREIGN_ALGORITHMS)}")
    return Provider(keys, issuer)


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(claims["sub"], claims["name"], _scopes(claims), claims.get("rate"), by_token=True)


def _foreign_caller(claims: dict[str, Any]) -> Caller:
    """A user or service of the identity provider. Its identity differs from that of every key. Raises Denied.

    The subject is written to logs, counters and the database, so it must be short and printable.
    """
    subject = claims["sub"]
    if len(subject) > MAX_SUBJECT_LENGTH or not _PRINTABLE.fullmatch(subject) or not is_unicode(subject):
        raise Denied("invalid-token")
    return Caller(f"subject:{subject}", subject, _scopes(claims), by_token=True)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """The token's scopes that exist here. RFC 8693, section 4.2: one string, separated by spaces."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise Denied("invalid-token")
    return frozenset(scope.split()) & frozenset(SCOPES)
