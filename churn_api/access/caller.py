"""A caller, and what it may do."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from churn_api.contract.faults import did_you_mean

PREDICT, JOBS, READ_MODELS, WRITE_MODELS, OPS = "predict", "jobs", "models:read", "models:write", "ops"
SCOPES = (PREDICT, JOBS, READ_MODELS, WRITE_MODELS, OPS)
OPEN_SCOPES = frozenset({PREDICT, JOBS, READ_MODELS})
"""What a caller without credentials may do where AUTH is open."""


class UnknownScope(ValueError):
    """A scope that there is not; the text names those that there are."""


class Denied(Exception):
    """Credentials that let nobody in. `code` says which kind; nothing tells a wrong key from a revoked one."""

    def __init__(self, code: Literal["invalid-key", "invalid-token", "token-expired"]) -> None:
        super().__init__(code)
        self.code = code


class Caller(NamedTuple):
    """Whoever sent a request."""

    identity: str
    """The same for every request of one key or one token's subject: calls are counted by it."""
    name: str
    """For people: logs and the audit."""
    scopes: frozenset[str]
    rate: str | None = None
    """The caller's own limit, in place of the configured one."""
    by_token: bool = False
    """Whether a token says so, rather than a key."""

    @property
    def is_anonymous(self) -> bool:
        """Whether no credentials say who this is."""
        return self.identity == ANYONE.identity


class AuthResult(NamedTuple):
    """Who sends a request, as far as its credentials tell."""

    caller: Caller
    denied: str | None
    """Why the caller is turned away: the code of a problem."""


ANYONE = Caller("anyone", "anyone", frozenset())
"""A caller that sent no credentials."""
GUEST = ANYONE._replace(scopes=OPEN_SCOPES)
"""The same, where AUTH is open."""
UNKNOWN = AuthResult(ANYONE, None)
"""What is known before the guard has looked."""


def parse_scopes(names: Iterable[str]) -> frozenset[str]:
    """Scopes by name. Raises UnknownScope."""
    found = frozenset(names)
    for name in sorted(found - set(SCOPES)):
        hint = did_you_mean(name, SCOPES) or f"Scopes are {', '.join(SCOPES)}."
        raise UnknownScope(f"{name!r} is not a scope. {hint}")
    return found
