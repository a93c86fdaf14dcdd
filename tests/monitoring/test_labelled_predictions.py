"""Which predictions count, and what became of their customers."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_logs import KEYS, Logged, LogInMemory, request_key

from churn_api.monitoring import labelled_predictions
from churn_api.monitoring.labelled_periods import Period
from churn_api.monitoring.labelled_predictions import Join
from churn_api.monitoring.outcome_events import Outcomes, subjects_of_keys

DAY = timedelta(days=1)


class Outcome(NamedTuple):
    """One reported outcome."""

    subject: str
    day: date
    left: bool = True
    contacted: bool = False
    by_request: bool = False


def outcome_arrays(reported: list[Outcome]) -> Outcomes:
    """The arrays of outcomes."""
    keys = [request_key(one.subject) if one.by_request else KEYS.key(one.subject) for one in reported]
    return Outcomes(
        subjects_of_keys(b"".join(keys)),
        np.array([one.day.toordinal() for one in reported], np.int64),
        *(np.array([getattr(one, name) for one in reported], bool) for name in ("left", "contacted", "by_request")),
    )


def counted(predictions, reported, period, until, versions=("1", "2"), table_rows=3):
    """All that counts, as sorted tuples."""
    join = Join(LogInMemory(predictions, table_rows), "default", period, request_key)
    found = []
    for one in join.labelled(outcome_arrays(reported), until, versions):
        challengers = [None if np.isnan(each) else each for each in one.challenger_probabilities.tolist()]
        columns = (one.times, one.probabilities, one.positive, one.left, one.contacted)
        rows = zip(*(column.tolist() for column in columns), challengers, strict=True)
        found += [(one.day, one.version, one.variant, one.challenger, *row) for row in rows]
    return sorted(found, key=repr)


def expected(predictions, reported, period, until, versions=("1", "2")):
    """The same in plain Python, prediction by prediction."""
    answers = sorted((one for one in predictions if one.variant != "shadow"), key=lambda each: each.at)
    sizes = Counter((one.request_id, one.at.date()) for one in answers)
    events = events_of(answers, reported, period, sizes)
    seen, found = set(), []
    for one in answers:
        mature = period.first <= one.at.date() <= min(until, period.last)
        who = (one.customer, one.version, one.variant)
        if mature and one.version in versions and (one.customer is None or who not in seen):
            seen.add(who)
            single = one.request_id is not None and sizes[one.request_id, one.at.date()] == 1
            if one.customer is not None or (single and any(each.by_request for each in reported)):
                known = events[True, one.request_id] if one.customer is None else events[False, one.customer]
                found += labelled(one, known, period.horizon, predictions)
    return sorted(found, key=repr)


def events_of(answers, reported, period, sizes):
    """The outcomes of each customer and request; those of a customer's request are the customer's too."""
    events = defaultdict(list)
    for outcome in reported:
        events[outcome.by_request, outcome.subject].append(outcome)
        for one in answers:
            within = period.first <= one.at.date() <= period.last + period.horizon * DAY
            single = sizes[one.request_id, one.at.date()] == 1
            if outcome.by_request and within and single and one.request_id == outcome.subject and one.customer:
                events[False, one.customer].append(outcome)
    return events


def labelled(one, known, horizon, predictions):
    """A prediction that counts, in a list; none where the customer left on its day."""
    day, last = one.at.date(), one.at.date() + horizon * DAY
    if any(each.left and each.day == day for each in known):
        return []
    same = [each for each in predictions if (each.request_id, each.row) == (one.request_id, one.row)]
    shadow = next((each for each in same if each.variant == "shadow" and one.request_id), None)
    left = any(each.left and day < each.day <= last for each in known)
    contacted = any(each.contacted and day <= each.day <= last for each in known)
    figures = (int(one.at.timestamp()) * 1_000_000, one.probability, one.churn, left, contacted)
    return [
        (day, one.version, one.variant, shadow and shadow.version, *figures, shadow and shadow.probability),
    ]


PROBABILITIES = st.sampled_from([0.125, 0.25, 0.5, 0.75])
MOMENTS = st.integers(0, 20 * 24).map(lambda hours: datetime(2026, 2, 26, tzinfo=UTC) + timedelta(hours=hours))
CUSTOMERS = st.sampled_from(["ann", "bob", "cleo", "dan", None])
ANSWERS = st.builds(
    Logged,
    at=MOMENTS,
    request_id=st.sampled_from(["r1", "r2", "r3", "r4", "r5", None]),
    customer=CUSTOMERS,
    version=st.sampled_from(["1", "2", "3"]),
    variant=st.sampled_from(["live", "challenger"]),
    probability=PROBABILITIES,
    churn=st.booleans(),
)
OUTCOMES = st.builds(
    Outcome,
    subject=st.sampled_from(["ann", "bob", "cleo"]),
    day=st.integers(0, 30).map(lambda days: date(2026, 2, 24) + days * DAY),
    left=st.booleans(),
    contacted=st.booleans(),
)
OF_REQUESTS = st.builds(
    Outcome,
    subject=st.sampled_from(["r1", "r2", "r9"]),
    day=st.integers(0, 30).map(lambda days: date(2026, 2, 24) + days * DAY),
    by_request=st.just(True),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(ANSWERS, max_size=25, unique_by=lambda one: one.at),
    st.lists(OUTCOMES, max_size=8),
    st.lists(OF_REQUESTS, max_size=2),
    st.sampled_from([1, 5, 7]),
    st.integers(1, 20),
    st.integers(1, 5),
    st.data(),
)
def test_join(answers, of_customers, of_requests, horizon, until, table_rows, data):
    """Whatever was predicted and reported, the predictions that count and their labels are those of a plain loop."""
    answers = [one._replace(row=position) for position, one in enumerate(answers)]
    shadowed = data.draw(st.lists(st.sampled_from(answers), unique=True) if answers else st.just([]))
    shadow = [one._replace(variant="shadow", version="9", probability=0.375) for one in shadowed]
    period, reported = Period.of(date(2026, 3, 4), horizon), of_customers + of_requests
    last = date(2026, 2, 26) + until * DAY
    found = counted(answers + shadow, reported, period, last, table_rows=100)
    assert found == expected(answers + shadow, reported, period, last)
    if not shadow and not of_requests:
        assert found == counted(answers, reported, period, last, table_rows=table_rows)


def at(day: int, hour: int = 12) -> datetime:
    """A moment of March 2026."""
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_many_customers(monkeypatch):
    """Where a period has more predictions than are held at once, each customer still counts once."""
    monkeypatch.setattr(labelled_predictions, "MAX_ROWS", 10)
    predictions = [Logged(at(day), customer=f"c{number}") for day in (6, 7) for number in range(40)]
    found = counted(predictions, [Outcome("c3", date(2026, 3, 9))], Period.of(date(2026, 3, 6), 30), date(2026, 3, 20))
    assert (len(found), sum(row[7] for row in found), {row[0].day for row in found}) == (40, 1, {6})


@pytest.mark.parametrize(("day", "left"), [(1, False), (3, True), (31, True), (32, False)])
def test_horizon(day, left):
    """A customer is a leaver from the day after the prediction to H days after it."""
    reported = [Outcome("ann", date(2026, 3, 1) + (day - 1) * DAY)]
    found = counted([Logged(at(2), customer="ann")], reported, Period.of(date(2026, 3, 2), 29), date(2026, 3, 5))
    assert [row[7] for row in found] == [left]


def test_same_day():
    """Who leaves on the day of the prediction is left out."""
    reported = [Outcome("ann", date(2026, 3, 2))]
    assert counted([Logged(at(2), customer="ann")], reported, Period.of(date(2026, 3, 2), 29), date(2026, 3, 2)) == []


@given(st.dates(), st.integers(1, 3660))
def test_periods(day, horizon):
    """Every day is in one period, which begins where the one before ends."""
    period = Period.of(day, horizon)
    assert period.first <= day <= period.last
    assert period == Period.of(period.last, horizon) == Period.of(period.first, horizon)


def test_maturity():
    """Days are mature when H days after them are reported."""
    period = Period.of(date(2026, 3, 10), 10)
    day = timedelta(days=1)
    assert period.mature_until(period.first + 9 * day) is None
    assert period.mature_until(period.first + 12 * day) == period.first + 2 * day
    assert period.mature_until(period.last + 400 * day) == period.last
