import hmac
import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from churn_api.access.caller import Denied
from churn_api.access.key_cache import MAX_ENTRIES, KeyCache
from churn_api.access.keys import KEY, KeyConflict, Keys
from churn_api.store.audit import latest_entries
from churn_api.store.database import DatabaseAway
from churn_api.store.tables import KEYS

PEPPER = b"pepper of the tests, 32 bytes long"


@pytest.fixture
def keys(database):
    return Keys(database, PEPPER)


@pytest.fixture
def key_cache(database):
    return KeyCache(database, PEPPER)


def count_queries(database, monkeypatch):
    """Counts the queries from now on."""
    asked = []
    ask = type(database)._connection
    monkeypatch.setattr(type(database), "_connection", lambda *arguments: asked.append(1) or ask(*arguments))
    return asked


def test_create(keys, key_cache):
    """A key authenticates its caller, with its scopes and its rate."""
    key = keys.create("crm", {"predict", "jobs"}, by="test", rate="5/minute")
    caller = key_cache.find(key.text)
    assert (caller.name, caller.scopes, caller.rate) == ("crm", {"predict", "jobs"}, "5/minute")
    assert caller.identity == f"key:{key.id}"


def test_keys_are_not_kept(keys, database):
    """The database holds no part of a key but its public id; what it holds needs the pepper."""
    key = keys.create("crm", {"predict"}, by="test")
    with database.transaction() as connection:
        row = connection.execute(select(KEYS).where(KEYS.c.id == key.id)).one()
        stored = " ".join(str(value) for value in row)
    assert KEY.fullmatch(key.text)
    assert key.text.rsplit("_", 1)[1] not in stored
    assert row.digest == hmac.digest(PEPPER, key.text.encode(), "sha256")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "churn_",
        "churn_aaaaaaaaaaaa_" + "A" * 43,
        "churn_" + "a" * 10_000,
        "é" * 61,
        "churn_aaaaaaaaaaaa_' OR 1=1",
    ],
)
def test_guesses(key_cache, text):
    """Malformed and unknown keys are rejected in the same way."""
    with pytest.raises(Denied, match="invalid-key"):
        key_cache.find(text)


def test_almost_right(keys, key_cache):
    """A key with one wrong character is rejected, before and after the right one is cached."""
    key = keys.create("crm", {"predict"}, by="test").text
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    for tried in (wrong, key, wrong):
        if tried == key:
            assert key_cache.find(tried).name == "crm"
        else:
            with pytest.raises(Denied):
                key_cache.find(tried)


def test_another_pepper(keys, database):
    """Keys made with another pepper are rejected."""
    key = keys.create("crm", {"predict"}, by="test").text
    with pytest.raises(Denied):
        KeyCache(database, b"another pepper, as long as the one").find(key)


def test_revoke(keys, key_cache):
    """A revoked key is rejected once the cache is refreshed, and revoking it twice is an error."""
    key = keys.create("crm", {"predict"}, by="test")
    key_cache.find(key.text)
    assert keys.revoke("crm", by="test") == [key.id]
    key_cache.refresh()
    with pytest.raises(Denied, match="invalid-key"):
        key_cache.find(key.text)
    with pytest.raises(KeyConflict, match="no active key named 'crm'"):
        keys.revoke("crm", by="test")


def test_expiry(keys, key_cache):
    """An expired key is rejected without a query."""
    key = keys.create("crm", {"predict"}, by="test", expires=timedelta(seconds=-1))
    with pytest.raises(Denied):
        key_cache.find(key.text)


def test_rotate(keys, key_cache):
    """After a rotation the old key is valid for the grace period and the new one at once, with the same rights."""
    old = keys.create("crm", {"predict"}, by="test", rate="5/minute", expires=timedelta(days=90))
    new = keys.rotate("crm", by="test", grace=timedelta(hours=1))
    assert key_cache.find(old.text)[1:] == key_cache.find(new.text)[1:]
    rows = {row.id: row for row in keys.all()}
    assert rows[old.id].expires_at - datetime.now(UTC) < timedelta(hours=1)
    assert timedelta(days=89) < rows[new.id].expires_at - datetime.now(UTC) <= timedelta(days=90)
    keys.rotate("crm", by="test", grace=timedelta(0))
    key_cache.refresh()
    for key in (old, new):
        with pytest.raises(Denied):
            key_cache.find(key.text)


def test_names_are_taken_once(keys):
    """A second active key of one name is refused; after a revocation the name is free."""
    keys.create("crm", {"predict"}, by="test")
    with pytest.raises(KeyConflict, match="rotate it"):
        keys.create("crm", {"predict"}, by="test")
    keys.revoke("crm", by="test")
    keys.create("crm", {"predict"}, by="test")


def test_asked_once(keys, key_cache, database, monkeypatch):
    """A key, valid or not, is queried once, however often it is sent."""
    key = keys.create("crm", {"predict"}, by="test").text
    asked = count_queries(database, monkeypatch)
    for _ in range(50):
        key_cache.find(key)
        with pytest.raises(Denied):
            key_cache.find("churn_aaaaaaaaaaaa_" + "A" * 43)
    assert len(asked) == 2


def test_time_tells_nothing(keys, key_cache):
    """Rejecting an unknown id takes as long as rejecting a wrong key with a known id."""
    key_cache.find(keys.create("crm", {"predict"}, by="test").text)
    known = keys.create("other", {"predict"}, by="test").text[: len("churn_aaaaaaaaaaaa_")]
    taken = {known: [], "churn_aaaaaaaaaaaa_": []}
    for number in range(200):
        for start, times in taken.items():
            began = time.perf_counter()
            with pytest.raises(Denied):
                key_cache.find(f"{start}{number:043d}")
            times.append(time.perf_counter() - began)
    wrong, unseen = (statistics.median(times) for times in taken.values())
    assert 0.6 < unseen / wrong < 1.7


def test_guesses_are_bounded(key_cache, monkeypatch):
    """However many wrong keys are tried, the memory they take is bounded."""
    monkeypatch.setattr("churn_api.access.key_cache.MAX_ENTRIES", 20)
    for number in range(60):
        name = "".join("abcdefghij"[int(digit)] for digit in f"{number:012d}")
        with pytest.raises(Denied):
            key_cache.find(f"churn_{name}_" + "A" * 43)
    assert len(key_cache._denied) == 20 < MAX_ENTRIES


def test_database_away(keys, key_cache, database, monkeypatch):
    """While the database is away, cached keys are accepted, and others raise DatabaseAway."""
    met, other = (keys.create(name, {"predict"}, by="test").text for name in ("met", "other"))
    key_cache.find(met)

    def away(*_):
        raise DatabaseAway("test")

    monkeypatch.setattr(type(database), "_connection", away)
    assert key_cache.find(met).name == "met"
    with pytest.raises(DatabaseAway):
        key_cache.find(other)


def test_last_used(keys, key_cache, database, monkeypatch):
    """When a key was used is written when the cache of keys is flushed, and never goes back."""
    monkeypatch.setattr("churn_api.access.key_cache.FLUSH_EVERY_SECONDS", 0)
    key = keys.create("crm", {"predict"}, by="test")
    key_cache.find(key.text)
    key_cache.flush_used()
    (row,) = keys.all()
    assert datetime.now(UTC) - row.last_used_at < timedelta(seconds=10)
    with database.transaction() as connection:
        connection.execute(text("UPDATE api_keys SET last_used_at = '2999-01-01 00:00:00'"))
    key_cache.find(key.text)
    key_cache.flush_used()
    assert keys.all()[0].last_used_at.year == 2999


def test_acts_are_audited(keys, database):
    """Making, rotating and revoking a key are in the audit, with who did it, and without the key."""
    keys.create("crm", {"predict"}, by="anna")
    keys.rotate("crm", by="ben", grace=timedelta(hours=1))
    keys.revoke("crm", by="cleo")
    output = [(act.actor, act.action, act.subject) for act in latest_entries(database, 10)]
    assert output[-2] == ("anna", "keys.create", "crm")
    assert output[-3] == ("ben", "keys.rotate", "crm")
    assert output[:2] == [("cleo", "keys.revoke", "crm")] * 2
