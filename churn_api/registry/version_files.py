"""The files of a registered version, read without loading its model."""

from pathlib import Path
from typing import NamedTuple

from churn_api.contract.signature import Signature
from churn_api.registry.bundle import read_any_card, read_input_contract
from churn_api.registry.card import Card
from churn_api.registry.card_kinds import AnyCard
from churn_api.registry.evaluation_report import EvaluationReport, read_report
from churn_api.registry.global_explanation import GlobalExplanation, read_explanation
from churn_api.registry.model import AnyModel, Model
from churn_api.registry.model_errors import OtherKind, model_not_ready
from churn_api.registry.tensor_card import TensorCard


class VersionFiles(NamedTuple):
    """Where the files of a version are. Every method raises ModelNotReady where they cannot be read."""

    folder: Path
    digest: str
    """The registered digest of the card."""
    model: AnyModel | None
    """None where it is not in memory."""

    def any_card(self) -> AnyCard:
        """The card."""
        if self.model is not None:
            return self.model.card
        with model_not_ready():
            return read_any_card(self.folder, self.digest)

    def card(self) -> Card:
        """The card of a model of customers. Raises OtherKind for that of a tensor model."""
        card = self.any_card()
        if isinstance(card, Card):
            return card
        raise OtherKind(card)

    def input_contract(self) -> Signature | TensorCard:
        """What the version takes: its signature, or the card of a tensor model."""
        if self.model is None:
            with model_not_ready():
                return read_input_contract(self.folder, self.digest)
        return self.model.card.signature if isinstance(self.model, Model) else self.model.card

    def report(self) -> EvaluationReport | None:
        """The report; None where the version has none. Raises OtherKind as `card` does."""
        card = self.card()
        with model_not_ready():
            return read_report(self.folder, card)

    def explanation(self) -> GlobalExplanation | None:
        """The explanation, in the same way."""
        card = self.card()
        with model_not_ready():
            return read_explanation(self.folder, card)
