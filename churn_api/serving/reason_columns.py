"""Reasons as columns of a scored table: reason_1, reason_1_contribution, reason_2, and so on."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from churn_api.serving.answer import ExplainedRecords


def reason_names(count: int) -> list[str]:
    """The names of the columns of so many reasons."""
    return [name for rank in range(1, count + 1) for name in (f"reason_{rank}", f"reason_{rank}_contribution")]


def reason_columns(explained: ExplainedRecords | None, count: int, bad: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """The columns of `count` reasons, each of length n. `bad`, shape (n,), marks rows that have none.

    A rank beyond the number of features is null. `explained` has the other rows; None where there are none.
    """
    return dict(zip(reason_names(count), _arrays(explained, count, bad), strict=True))


def _arrays(explained: ExplainedRecords | None, count: int, bad: NDArray[np.bool_]) -> Iterator[pa.Array]:
    found = explained.strongest if explained is not None else None
    ranks = 0 if found is None else found.players.shape[1]
    players, contributions = np.zeros((2, count, len(bad)))
    lacking = np.ones((count, len(bad)), bool)
    if found is not None:
        players[:ranks, ~bad], contributions[:ranks, ~bad] = found.players.T, found.contributions.T
        lacking[:ranks] = bad
    names = pa.array(explained.writer.player_names if explained is not None else [], pa.string())
    for rank in range(count):
        yield names.take(pa.array(players[rank].astype(np.int32), mask=lacking[rank]))
        yield pa.array(contributions[rank], mask=lacking[rank])
