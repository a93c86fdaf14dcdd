"""Values and texts of reasons, each written once: the same values occur in row after row."""

from collections.abc import Callable, Sequence
from typing import Any

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.reasons.catalogue import Catalogue
from churn_api.reasons.feature_values import FeatureValues
from churn_api.reasons.players import Player
from churn_api.reasons.wording import Wording

_MAX_CACHED = 10_000

Fact = tuple[Any, str]
"""The value of a player as JSON has it, and the text of the reason."""


class FactCache:
    """The facts of one signature in one language. Safe to share between threads."""

    def __init__(self, signature: Signature, players: Sequence[Player], catalogue: Catalogue) -> None:
        self._features = signature.features
        self._players = players
        self._values = FeatureValues(signature)
        self._wording = Wording(signature, catalogue)
        self._places = [[self._values.places[feature] for feature in player.features] for player in players]
        self._written: dict[tuple[int, Any, bool, bool], Fact] = {}

    def of(self, columns: Columns) -> Callable[[int, int, float], Fact]:
        """A function from a row, a player's position and its contribution to the fact."""
        arrays = columns.texts.tolist(), columns.numbers.tolist()
        places, written = self._places, self._written

        def fact(row: int, player: int, contribution: float) -> Fact:
            cells = tuple([arrays[numeric][row][position] for numeric, position in places[player]])
            # NaN equals nothing, and would be written again each time.
            known = tuple([None if cell != cell else cell for cell in cells])  # noqa: PLR0124
            key = (player, known, contribution > 0, contribution < 0)
            found = written.get(key)
            if found is None:
                if len(written) >= _MAX_CACHED:
                    written.clear()
                found = written[key] = self._write(self._players[player], known, contribution)
            return found

        return fact

    def _write(self, player: Player, cells: Sequence[float | str | None], contribution: float) -> Fact:
        values = [self._values.of_cell(feature, cell) for feature, cell in zip(player.features, cells, strict=True)]
        names = [self._features[feature].name for feature in player.features]
        shown = values[0] if len(values) == 1 else dict(zip(names, values, strict=True))
        return shown, self._wording.text(player, values, contribution)
