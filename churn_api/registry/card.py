"""The card of a bundle: everything about a model that is not the model itself."""

import re
from typing import Any, Literal, TypeVar

import msgspec

from churn_api.contract.signature import Signature, SignatureError
from churn_api.scoring.output import Policy, refuse_reserved_names

Read = TypeVar("Read", bound=msgspec.Struct)
_PLACE = re.compile(r" - at .*$")
_OWN_WORDS = ("Expected ", "Object missing required field ", "JSON is malformed", "Input data was truncated")
"""How messages of msgspec begin that name types and our own fields alone; others quote what they met."""


class UnreadableCard(Exception):
    """A card that cannot be read. The text says why and where, and repeats nothing of the card."""


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison of the compiled model with the pipeline found."""

    proven: bool
    tolerance: float
    rows: int = 0
    largest_difference: float | None = None
    reason: str | None = None
    """Why it could not be proven."""


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, missing values and unseen categories among them, with the pipeline's probabilities.

    A row holds one value a feature in the signature's order.
    """

    rows: tuple[tuple[str | int | float | bool | None, ...], ...]
    probabilities: tuple[float, ...]


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model comes from."""

    rows: int | None = None
    base_rate: float | None = None
    sha256: str | None = None
    """Digest of the table."""


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bundle's description, as `card.json` holds it. Raises SignatureError where a feature takes an answer's name."""

    format: Literal[1] = 1
    name: str
    version: str
    created_at: str
    scorer: Literal["onnx", "sklearn"]
    signature: Signature
    policy: Policy
    metrics: dict[str, Any]
    libraries: dict[str, str]
    training: Training
    parity: Parity
    golden: Golden
    files: dict[str, str]
    """SHA-256 by file name."""

    def __post_init__(self) -> None:
        refuse_reserved_names(self.signature)


def decode_card(data: bytes, kind: type[Read]) -> Read:
    """A card, or what a struct of another kind takes of it. Raises UnreadableCard."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError as error:
        raise UnreadableCard("it is not UTF-8") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableCard(_complaint(error)) from error


def _complaint(error: Exception) -> str:
    """What msgspec says of a card, but for what it quotes."""
    message, cause = str(error), error.__cause__
    if message.startswith(_OWN_WORDS):
        return message
    place = _PLACE.search(message)
    told = cause.complaint if isinstance(cause, SignatureError) else "what stands here is not allowed"
    return told + (place[0] if place else "")
