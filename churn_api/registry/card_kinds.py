"""The kinds of cards: that of a model of customers, and that of a tensor model."""

from typing import Literal

import msgspec

from churn_api.registry.card import Card, Read, decode_card
from churn_api.registry.tensor_card import TensorCard

AnyCard = Card | TensorCard


class CardKind(msgspec.Struct, frozen=True):
    """The part of a card that says of which kind it is. The card of a model of customers has no such member."""

    kind: Literal["customers", "tensor"] = "customers"


def decode_any_card(data: bytes, of_customers: type[Read]) -> Read | TensorCard:
    """Decode a card of either kind; that of a model of customers as `of_customers`. Raises UnreadableCard."""
    if decode_card(data, CardKind).kind == "tensor":
        return decode_card(data, TensorCard)
    return decode_card(data, of_customers)
