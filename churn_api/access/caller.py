"""A caller and its scopes."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from churn_api.contract.faults import did_you_mean

PREDICT, JOBS, READ_MODELS, WRITE_MODELS = "predict", "jobs", "models:read", "models:write"
OUTCOMES, OPS = "outcomes", "ops"
SCOPES = (PREDICT, JOBS, READ_MODELS, WRITE_MODELS, OUTCOMES, OPS)
OPEN_SCOPES = frozenset({PREDICT, JOBS, READ_MODELS})
"""Scopes of a caller without credentials where AUTH is open."""


class UnknownScope(ValueError):
    """The scope does not exist; the text lists the scopes."""


class Denied(Exception):
    """The credentials are not valid. `code` says which kind; a wrong key and a revoked one look the same."""

    def __init__(self, code: Literal["invalid-key", "invalid-token", "token-expired"]) -> None:
        super().__init__(code)
        self.code = code


class Caller(NamedTuple):
    """The sender of a request."""

    identity: str
    """Equal for all requests of one key or of one token subject; rate limits count by it."""
    name: str
    """Name in logs and in the audit log."""
    scopes: frozenset[str]
    rate: str | None = None
    """The caller's own rate limit, which overrides the configured one."""
    by_token: bool = False
    """Whether the caller sent a token rather than a key."""

    @property
    def is_anonymous(self) -> bool:
        """Whether the caller sent no credentials."""
        return self.identity == ANYONE.identity


class AuthResult(NamedTuple):
    """The result of authenticating a request."""

    caller: Caller
    denied: str | None
    """The problem code where the credentials are rejected."""


ANYONE = Caller("anyone", "anyone", frozenset())
"""A caller without credentials."""
GUEST = ANYONE._replace(scopes=OPEN_SCOPES)
"""A caller without credentials where AUTH is open."""
UNKNOWN = AuthResult(ANYONE, None)
"""The value before authentication has run."""


def parse_scopes(names: Iterable[str]) -> frozenset[str]:
    """Scopes by name. Raises UnknownScope."""
    scopes = frozenset(names)
    for name in sorted(scopes - set(SCOPES)):
        hint = did_you_mean(name, SCOPES) or f"Scopes are {', '.join(SCOPES)}."
        raise UnknownScope(f"{name!r} is not a scope. {hint}")
    return scopes
