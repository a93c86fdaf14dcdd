"""The contract of a counter's storage, against the file, Redis, and the memory that stands in for them."""

import os
import sqlite3
import time
from multiprocessing import get_context

import pytest
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from churn_api.access.counters import uri_of


@pytest.fixture(params=["file", "redis"])
def uri(request, tmp_path):
    """Where counters are kept, empty."""
    if request.param == "file":
        return uri_of(tmp_path / "limits.db")
    return request.getfixturevalue("redis_url")


@pytest.fixture
def storage(uri):
    return storage_from_string(uri)


def test_counts(storage):
    """A key counts from nothing, by one or by more; keys do not touch each other."""
    assert storage.check()
    assert [storage.incr("a", 60), storage.incr("a", 60), storage.incr("a", 60, 5)] == [1, 2, 7]
    assert storage.incr("b", 60) == 1
    assert (storage.get("a"), storage.get("b"), storage.get("c")) == (7, 1, 0)


def test_windows_end(storage):
    """A count ends its seconds after the first hit, and begins anew."""
    storage.incr("a", 1, 3)
    assert 0 < storage.get_expiry("a") - time.time() <= 1.1
    time.sleep(1.2)
    assert storage.get("a") == 0
    assert storage.incr("a", 1) == 1


def test_clear_and_reset(storage):
    """One counter can be removed, and all of them."""
    for key in ("a", "b"):
        storage.incr(key, 60)
    storage.clear("a")
    assert (storage.get("a"), storage.get("b")) == (0, 1)
    storage.reset()
    assert storage.get("b") == 0


def _hit(uri, passed):
    limiter = FixedWindowRateLimiter(storage_from_string(uri))
    passed.put(sum(limiter.hit(parse("100/hour"), "all") for _ in range(60)))


def test_exact_in_many_processes(uri):
    """Of 240 hits by four processes at once on a limit of 100, 100 pass: not one more, not one less."""
    context = get_context("spawn")
    passed = context.Queue()
    processes = [context.Process(target=_hit, args=(uri, passed)) for _ in range(4)]
    for process in processes:
        process.start()
    counts = [passed.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert sum(counts) == 100


def test_used_after_a_fork(storage):
    """A storage that was used before a fork counts on after it, in both processes."""
    storage.incr("a", 60)
    child = os.fork()
    if child == 0:
        os._exit(0 if storage.incr("a", 60) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert storage.incr("a", 60) == 3


def test_what_ran_out_is_removed(tmp_path, monkeypatch):
    """Counters that have ended do not pile up in the file."""
    storage = storage_from_string(uri_of(tmp_path / "limits.db"))
    for number in range(20):
        storage.incr(str(number), -1)
    monkeypatch.setattr("churn_api.access.counters.SWEEP_ONE_IN", 1)
    storage.incr("kept", 60)
    with sqlite3.connect(tmp_path / "limits.db") as connection:
        assert connection.execute("SELECT key FROM counters").fetchall() == [("kept",)]


def test_file_that_cannot_be_used(tmp_path):
    """A file that is none, or cannot be opened, is told as the storage's own error."""
    (tmp_path / "limits.db").write_bytes(b"not a database, though it is long enough to look like one" * 50)
    storage = storage_from_string(uri_of(tmp_path / "limits.db"))
    assert not storage.check()
    with pytest.raises(storage.base_exceptions):
        storage.incr("a", 60)
