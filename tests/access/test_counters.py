"""The contract of shared counters, in the file and in Redis, and of what stands in for them."""

import os
import signal
import time
from multiprocessing import get_context

import pytest
from limits import parse
from limits.storage import RedisStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from locks import locked

from churn_api.access import file_counters, process_counters
from churn_api.access.counters import NoRoom
from churn_api.access.file_counters import uri_of
from churn_api.access.process_counters import ProcessCounters
from churn_api.access.redis_counters import counters_uri
from churn_api.access.shared_counters import SharedCounters


@pytest.fixture(params=["file", "redis"])
def uri(request, tmp_path):
    """Where counters are kept, empty."""
    if request.param == "file":
        return uri_of(tmp_path / "limits.counters")
    return counters_uri(request.getfixturevalue("redis_url"))


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
    """A counter ends its period after the first hit, and starts again."""
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


def test_a_hit_says_when_its_counter_ends(storage):
    """A hit returns the count and the end of its counter, which further hits do not put off."""
    first, second = storage.hit("a", 60), storage.hit("a", 60, 4)
    assert (first.total, second.total) == (1, 5)
    assert 59 < first.ends - time.time() <= 60.1
    assert second.ends == pytest.approx(first.ends, abs=0.1)


def test_clock_that_is_set_back(tmp_path, monkeypatch):
    """After the clock is set back by a day, a counter that would last a day longer starts again with its own length."""
    now = time.time()
    for counters in (storage_from_string(uri_of(tmp_path / "limits.counters")), ProcessCounters()):
        monkeypatch.setattr(time, "time", lambda: now)
        assert counters.hit("a", 60, 100).total == 100
        monkeypatch.setattr(time, "time", lambda: now - 86400)
        assert counters.hit("a", 60) == (1, now - 86400 + 60)


def test_redis_whose_clock_is_set_back(redis_url):
    """A Redis counter with an impossible end, or without one, starts again."""
    storage = storage_from_string(counters_uri(redis_url))
    theirs = RedisStorage(redis_url).storage
    for seconds in (86400, None):
        theirs.set(storage.prefixed_key("a"), 100, ex=seconds)
        hit = storage.hit("a", 60)
        assert hit.total == 1
        assert hit.ends - time.time() <= 60.1


def test_killed_in_the_middle_of_a_hit(tmp_path):
    """Processes that are killed in the middle of counting leave no lock and no broken counter, and lose no hit."""
    storage = storage_from_string(uri_of(tmp_path / "limits.counters"))
    kills, counted = 20, 0
    for number in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            while True:
                storage.hit("a", 3600)
                os.write(writing, b"x")
        os.close(writing)
        os.read(reading, 1)
        time.sleep(number / 2000)
        os.kill(child, signal.SIGKILL)
        counted += 1
        while output := os.read(reading, 1 << 16):
            counted += len(output)
        os.close(reading)
        # The process may have been killed after a hit was counted and before it reported it.
        assert counted <= storage.hit("a", 3600, 0).total <= counted + kills


def test_the_file_stays_small(tmp_path, monkeypatch):
    """A full page accepts no further counter and evicts no active one; counters that end make room."""
    monkeypatch.setattr(file_counters, "PAGES", 1)
    path = tmp_path / "limits.counters"
    storage = storage_from_string(uri_of(path))
    for number in range(128):
        storage.hit(str(number), 1 if number < 3 else 60)
    with pytest.raises(NoRoom):
        storage.hit("one more", 60)
    assert {storage.get(str(number)) for number in range(3, 128)} == {1}
    time.sleep(1.1)
    assert [storage.hit(f"later {number}", 60).total for number in range(3)] == [1, 1, 1]
    assert path.stat().st_size <= 2 * file_counters.PAGE_BYTES


def test_no_room_in_the_file(tmp_path, monkeypatch, caplog):
    """Each process limits the callers for which the file has no room; others are unaffected, and one line is logged."""
    monkeypatch.setattr(file_counters, "PAGES", 1)
    storage = storage_from_string(uri_of(tmp_path / "limits.counters"))
    counters = SharedCounters(storage)
    for number in range(128):
        counters.hit(str(number), 60)
    assert [counters.hit("one more", 60).total for _ in range(3)] == [1, 2, 3]
    assert counters.hit("5", 60).total == storage.get("5") == 2
    assert caplog.text.count("no room for further rate-limit counters") == 1


def test_memory_is_bounded(monkeypatch):
    """A process that counts for itself has a limited number of counters; further callers share one."""
    monkeypatch.setattr(process_counters, "MAX_COUNTERS", 100)
    counters = ProcessCounters()
    assert {counters.hit(str(number), 60).total for number in range(100)} == {1}
    assert [counters.hit(f"more {number}", 60).total for number in range(50)] == list(range(1, 51))
    assert counters.hit("7", 60).total == 2


def test_file_that_is_replaced(tmp_path):
    """Where the file is removed while two processes count in it, both count in its successor a second later."""
    path = tmp_path / "limits.counters"
    one, other = (storage_from_string(uri_of(path)) for _ in range(2))
    assert (one.hit("a", 60).total, other.hit("a", 60).total) == (1, 2)
    path.unlink()
    time.sleep(file_counters.CHECK_SECONDS + 0.1)
    assert (one.hit("a", 60).total, other.hit("a", 60).total) == (1, 2)


def test_nobody_is_named(tmp_path):
    """The file contains no counter's key: neither a client address nor an API key's id."""
    path = tmp_path / "limits.counters"
    storage_from_string(uri_of(path)).hit("address:192.0.2.77", 60)
    assert b"192.0.2" not in path.read_bytes()


@pytest.mark.parametrize("content", [b"not counters, though it is long enough to look like them" * 50, b"short"])
def test_file_that_cannot_be_used(tmp_path, content):
    """A file with other content raises the storage's own error."""
    (tmp_path / "limits.counters").write_bytes(content)
    storage = storage_from_string(uri_of(tmp_path / "limits.counters"))
    assert not storage.check()
    with pytest.raises(storage.base_exceptions):
        storage.incr("a", 60)


def test_file_that_can_only_be_read(tmp_path):
    """The check of a file that another process has locked says that it cannot be counted in."""
    path = tmp_path / "limits.counters"
    storage = storage_from_string(uri_of(path))
    assert storage.check()
    with locked(path):
        assert not storage.check()
    assert storage.check()
