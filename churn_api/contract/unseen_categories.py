"""Warnings of out-of-vocabulary categories: values of open features that training did not see."""

from collections.abc import Iterator, Sequence
from typing import Any

from churn_api.contract.batch import PathFromRoot
from churn_api.contract.faults import Fault
from churn_api.contract.signature import Signature


class UnseenCategories:
    """Finds out-of-vocabulary categories in the records of one signature."""

    def __init__(self, signature: Signature) -> None:
        self._open_features = [
            (index, feature.name, frozenset(feature.choices or ()))
            for index, feature in enumerate(signature.features)
            if feature.open
        ]

    @property
    def possible(self) -> bool:
        """Whether the signature has an open feature."""
        return bool(self._open_features)

    def warnings(
        self,
        columns: Sequence[Sequence[Any]],
        positions: Sequence[int],
        path_from_root: PathFromRoot,
        max_warnings: int | None,
    ) -> tuple[list[Fault], int]:
        """The first `max_warnings` warnings (None: all of them), and the number of those left out.

        `columns` holds one sequence of values a feature; `positions` holds the index of each record.
        """
        unseen = sorted(self._unseen(columns))
        paths = [path_from_root(positions[row], (name,)) for row, name in unseen[:max_warnings]]
        warnings = [Fault("unseen-category", "Training did not see this category.", path=path) for path in paths]
        return warnings, len(unseen) - len(warnings)

    def _unseen(self, columns: Sequence[Sequence[Any]]) -> Iterator[tuple[int, str]]:
        for index, name, choices in self._open_features:
            for row, value in enumerate(columns[index]):
                if value is not None and value not in choices:
                    yield row, name
