"""Values and texts of reasons, each written once: the same values occur in row after row."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from churn_api.contract.columns import Columns
from churn_api.contract.signature import Signature
from churn_api.reasons.catalogue import Catalogue
from churn_api.reasons.feature_values import FeatureValues
from churn_api.reasons.players import Player
from churn_api.reasons.wording import Wording

_MAX_CACHED = 500
"""Cells of one player."""

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
        self._written: dict[tuple[int, int], dict[Any, Fact]] = defaultdict(dict)
        """By player and sign of the contribution, the fact of each cell."""

    def of(self, columns: Columns) -> Callable[[int, int, float], Fact]:
        """A function from a row, a player's position and its contribution to the fact."""
        cells: dict[int, list[Any]] = {}
        written = self._written

        def fact(row: int, player: int, contribution: float) -> Fact:
            column = cells.get(player)
            if column is None:
                column = cells[player] = self._cells(columns, player)
            sign = 1 if contribution > 0 else -1 if contribution else 0
            known = written[player, sign]
            cell = column[row]
            found = known.get(cell)
            if found is None:
                if len(known) >= _MAX_CACHED:
                    known.clear()
                found = known[cell] = self._write(self._players[player], cell, sign)
            return found

        return fact

    def _cells(self, columns: Columns, player: int) -> list[Any]:
        """What n rows have for a player: cells of a feature, or for a group tuples of them; None for NaN.

        NaN equals nothing, and would be written again each time.
        """
        lists = []
        for numeric, position in self._places[player]:
            if numeric:
                lists.append([None if cell != cell else cell for cell in columns.numbers[:, position].tolist()])  # noqa: PLR0124
            else:
                lists.append(columns.texts[:, position].tolist())
        return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True))

    def _write(self, player: Player, cell: Any, sign: int) -> Fact:
        cells = cell if len(player.features) > 1 else (cell,)
        values = [self._values.of_cell(feature, one) for feature, one in zip(player.features, cells, strict=True)]
        names = [self._features[feature].name for feature in player.features]
        shown = values[0] if len(values) == 1 else dict(zip(names, values, strict=True))
        return shown, self._wording.text(player, values, sign)
