from decimal import Decimal
from typing import get_args

import numpy as np
import pytest
from builders import feature, signature
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from churn_api.contract.columns import Columns
from churn_api.reasons.players import contributions_of_players, players_of
from churn_api.reasons.strongest import DECIMALS, strongest, strongest_of_one
from churn_api.reasons.writer import ReasonWriter
from churn_api.scoring.explanation import Explanation, Scale, to_probabilities

CONTRIBUTIONS = st.tuples(st.integers(1, 4), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-20, 20))
)


def shown(number: float) -> Decimal:
    """The number as JSON shows it."""
    return Decimal(repr(float(number)))


@given(CONTRIBUTIONS, st.floats(-5, 5), st.integers(1, 8))
def test_they_add_up(contributions, base, count):
    """Base, contributions and others add up to the total to the last digit shown, and the total is near the sum."""
    actual = strongest(contributions, base, count)
    for row in range(len(contributions)):
        parts = [actual.base, *actual.contributions[row], actual.others[row]]
        assert sum(map(shown, parts)) == shown(actual.totals[row])
        assert actual.totals[row] == pytest.approx(base + contributions[row].sum(), abs=10 * 10.0**-DECIMALS)


@given(CONTRIBUTIONS, st.integers(1, 8))
def test_strongest_first(contributions, count):
    """The strongest come first, of equal ones the earlier, and no left out one is stronger."""
    actual = strongest(contributions, 0.0, count)
    for row, given_row in zip(actual.contributions, np.round(contributions, DECIMALS), strict=True):
        assert list(np.abs(row)) == sorted(np.abs(given_row), reverse=True)[:count]
    for players, row in zip(actual.players, actual.contributions, strict=True):
        ranks = list(zip(-np.abs(row), players, strict=True))
        assert ranks == sorted(ranks)


@given(CONTRIBUTIONS, st.integers(1, 8))
def test_alone_and_among_many(contributions, count):
    """A row has the same reasons alone and among others."""
    many = strongest(contributions, 0.25, count)
    for row in range(len(contributions)):
        alone = strongest(contributions[row : row + 1], 0.25, count)
        assert alone.contributions.tolist() == many.contributions[row : row + 1].tolist()
        assert (alone.others[0], alone.totals[0]) == (many.others[row], many.totals[row])


@given(CONTRIBUTIONS, st.floats(-5, 5), st.integers(1, 8))
def test_one_row(contributions, base, count):
    """The form for one row gives the same doubles as the form for many."""
    many = strongest(contributions, base, count)
    for row in range(len(contributions)):
        one = strongest_of_one(contributions[row].tolist(), base, count)
        assert (one.players, one.contributions) == (many.players[row].tolist(), many.contributions[row].tolist())
        assert (one.others, one.base, one.total) == (many.others[row], many.base, many.totals[row])


@given(arrays(np.float64, (3, 5), elements=st.floats(-20, 20)), st.integers(1, 5), st.sampled_from(get_args(Scale)))
def test_written_alone_and_among_many(contributions, count, scale):
    """A record has the same reasons in words alone and among others, groups among them."""
    features = [feature("a", "number", group="x"), feature("b", "string"), feature("c", "number", group="x")]
    writer = ReasonWriter(signature(*features, feature("d", "number"), feature("e", "string")))
    columns = Columns(np.array([[1.0, np.nan, 3], [4, 5, 6], [7, 8, np.nan]]), np.full((3, 2), "t", object))
    scores = 0.25 + contributions.sum(axis=1)
    explanation = Explanation(to_probabilities(scores, scale), contributions, 0.25, scale)
    many = writer.write(explanation, writer.strongest(explanation, count), columns, "en")
    for row, among in enumerate(many):
        one = explanation._replace(
            probabilities=explanation.probabilities[row : row + 1], contributions=contributions[row : row + 1]
        )
        assert writer.write_one(one, count, columns.take([row]), "en") == among


def test_a_group_is_one_player():
    """Features of one group are one player, in the place of the first, with the sum of their contributions."""
    grouped = signature(feature("a", group="money"), feature("b"), feature("c", group="money"))
    players = players_of(grouped)
    assert [(player.name, player.features) for player in players] == [("money", (0, 2)), ("b", (1,))]
    assert contributions_of_players(np.array([[1.0, 5.0, 2.0]]), players).tolist() == [[3.0, 5.0]]
