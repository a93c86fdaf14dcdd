"""An experiment: two versions of a model side by side, one of them live and one that challenges it."""

import hmac
import secrets
from datetime import datetime
from typing import Any, Literal, NamedTuple, Self, get_args

from churn_api.contract.identifier_text import identifier_text
from churn_api.registry.variants import CHALLENGER, CONTROL, LIVE_VARIANT, VariantName

Mode = Literal["shadow", "canary", "ab"]
"""How the challenger takes part.

`shadow`: it scores every record, and the live version answers. `canary`: it answers a share of the customers, until one
of the rules in monitoring/canary_rules.py stops it. `ab`: it answers a share of the customers until someone stops it.
"""
MODES: tuple[Mode, ...] = get_args(Mode)
PARTS = 10_000
"""A share is an integer number of so many parts."""
DEFAULT_PARTS: dict[Mode, int] = {"shadow": 0, "canary": 500, "ab": 5000}
"""The share where none is named. No customer is answered by a shadow."""
_SALT_BYTES = 16
_ID_BYTES = 8


class Experiment(NamedTuple):
    """One experiment, as the database has it."""

    id: str
    model: str
    champion: str
    """The version that is live during the experiment."""
    challenger: str
    """The other version."""
    mode: Mode
    share: int
    """Of PARTS: how many customers the challenger answers."""
    salt: str
    """Customers are shared out again in each experiment."""
    started_at: datetime
    started_by: str
    stopped_at: datetime | None = None
    stopped_by: str | None = None
    reason: str | None = None
    """Why it was stopped."""
    evidence: dict[str, Any] | None = None
    """The evidence, where a rule has stopped it."""
    result: dict[str, Any] | None = None
    """What outcomes have decided, the first time that they did."""

    @classmethod
    def new(cls, model: str, champion: str, challenger: str, mode: Mode, share: int, at: datetime, by: str) -> Self:
        """An experiment that begins, with an id and a salt of its own."""
        id_, salt = secrets.token_hex(_ID_BYTES), secrets.token_hex(_SALT_BYTES)
        return cls(id_, model, champion, challenger, mode, share, salt, at, by)

    @property
    def running(self) -> bool:
        """Whether it has not been stopped."""
        return self.stopped_at is None

    def variant_for(self, identifier: object) -> VariantName:
        """Who answers a customer: the same in every process, and for "5" as for 5.

        A record without an identifier is answered by the live version, and is not part of the split.
        """
        if identifier is None or not self.share:
            return LIVE_VARIANT
        text = identifier_text(identifier).encode("utf-8", "surrogatepass")
        digest = hmac.digest(self.salt.encode(), text, "sha256")
        return CHALLENGER if int.from_bytes(digest[:8]) % PARTS < self.share else CONTROL
