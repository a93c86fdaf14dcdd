"""The card of a bundle: its description and metadata."""

import re
from typing import Any, Literal, TypeVar

import msgspec

from churn_api.contract.remark import Remark
from churn_api.contract.signature import Signature, SignatureError
from churn_api.registry.baseline import Baseline
from churn_api.scoring.explanation import Scale
from churn_api.scoring.output import Policy, refuse_reserved_names

Read = TypeVar("Read", bound=msgspec.Struct)
_POSITION = re.compile(r" - at .*$")
_SAFE_PREFIXES = ("Expected ", "Object missing required field ", "JSON is malformed", "Input data was truncated")
"""Prefixes of msgspec messages that name only types and our own fields. Other messages quote the input."""


class UnreadableCard(Exception):
    """The card cannot be read. The text says why and where, and quotes nothing of the card."""


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """The result of comparing the compiled model with the pipeline."""

    proven: bool
    tolerance: float
    """The largest difference of two probabilities that count as equal."""
    log_odds_tolerance: float = 0.0
    """The largest difference of their log-odds with which they count as equal too."""
    rows: int = 0
    largest_difference: float | None = None
    reason: str | None = None
    """Why parity is not proven."""


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """Test rows, including missing values and out-of-vocabulary categories, with the pipeline's probabilities.

    A row has one value per feature, in the signature's order.
    """

    rows: tuple[tuple[str | int | float | bool | None, ...], ...]
    probabilities: tuple[float, ...]


class BruteForce(msgspec.Struct, frozen=True, kw_only=True):
    """The result of comparing contributions with their definition: the values of all coalitions of a few features."""

    rows: int
    coalitions: int
    background_rows: int
    largest_difference: float


class ReasonsProof(msgspec.Struct, frozen=True, kw_only=True):
    """How contributions of features are computed, and what was checked."""

    method: Literal["exact", "sampled", "none"]
    why: str | None = None
    """Why they are not exact, or why there are none."""
    scale: Scale = "log_odds"
    base: float = 0.0
    """The mean score of the background, which contributions are added to."""
    background_rows: int = 0
    """The number of training rows that every record is compared with."""
    walks: int | None = None
    """For an estimate, how many orders of the features it is the mean of."""
    tolerance: float = 0.0
    """The largest difference that passes each check."""
    checked_rows: int = 0
    """The rows whose contributions were added up and compared with the probability."""
    largest_gap: float | None = None
    """The largest difference of the two probabilities."""
    brute_force: BruteForce | None = None
    golden_rows: tuple[int, ...] = ()
    """Positions of golden rows whose contributions loading checks."""
    contributions: tuple[tuple[float, ...], ...] = ()
    """Their contributions, a value for each feature in the signature's order."""


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """The training data of a model."""

    rows: int | None = None
    base_rate: float | None = None
    sha256: str | None = None
    """SHA-256 of the table."""
    remarks: tuple[Remark, ...] = ()
    """What was assumed about the table."""


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `card.json`. Raises SignatureError where a feature has the name of an output field."""

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
    reasons: ReasonsProof | None = None
    """None for bundles that were packaged before there were reasons."""
    baseline: Baseline | None = None
    """What later predictions are compared with; None where training rows were too few, or packaging had none."""

    def __post_init__(self) -> None:
        refuse_reserved_names(self.signature)


def decode_card(data: bytes, kind: type[Read]) -> Read:
    """Decode a card, or a struct with some of its fields. Raises UnreadableCard."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError as error:
        raise UnreadableCard("it is not UTF-8") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableCard(_complaint(error)) from error


def _complaint(error: Exception) -> str:
    """The msgspec error without quotes of the input."""
    message, cause = str(error), error.__cause__
    if message.startswith(_SAFE_PREFIXES):
        return message
    position = _POSITION.search(message)
    reason = cause.complaint if isinstance(cause, SignatureError) else "what stands here is not allowed"
    return reason + (position[0] if position else "")
