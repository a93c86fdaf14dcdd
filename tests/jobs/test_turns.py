"""Keys take turns, have quotas, and leases outlive clocks that are set."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from sqlalchemy import insert
from test_queue import REQUEST, put, queue_of, together

from churn_api.jobs.quota import Quota, QuotaExceeded
from churn_api.jobs.serialization import new_row
from churn_api.store import clock
from churn_api.store.database import Database
from churn_api.store.tables import JOBS


@pytest.fixture
def queue(database):
    return queue_of(database)


def serve(queue, count):
    """The jobs that one worker does, in that order."""
    done = []
    for _ in range(count):
        lease = queue.claim("w")
        queue.fail(lease, "code", "reason")
        done.append(lease.job.id)
    return done


def many(database, owner, count):
    """Queue many old jobs of an owner."""
    row = new_row(REQUEST, {"id": "", "owner": owner, "owner_name": ""}, datetime(2020, 1, 1, tzinfo=UTC))
    with database.transaction() as connection:
        connection.execute(insert(JOBS), [row | {"id": f"{owner}{number:05d}"} for number in range(count)])


def test_two_hundred_jobs_of_another(queue, database):
    """A key's job waits for one of another key's two hundred, not for all of them."""
    many(database, "bulk", 200)
    assert serve(queue, 3) == ["bulk00000", "bulk00001", "bulk00002"]
    put(queue, "mine", owner="key:b")
    put(queue, "mine too", owner="key:b")
    assert serve(queue, 5) == ["mine", "bulk00003", "mine too", "bulk00004", "bulk00005"]


def test_turns_go_round(queue):
    """Three keys with three jobs each are served in turn, each key's oldest job first."""
    for owner in "abc":
        for number in range(3):
            put(queue, f"{owner}{number}", owner=owner)
    assert serve(queue, 9) == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_turns_of_workers_at_once(queue, database_url):
    """Workers that claim at the same moment serve as many keys as there are, not one key's jobs all at once."""
    for owner in "abcd":
        for number in range(8):
            put(queue, f"{owner}{number}", owner=owner)

    def claim(number):
        database = Database(database_url)
        try:
            return queue_of(database).claim(f"w{number}").job.owner
        finally:
            database.close()

    assert sorted(together(8, claim)) == sorted("aabbccdd")


def test_a_released_job_waits_for_its_turn(queue):
    """A released job, as where a cluster is away, delays no other key."""
    put(queue, "away", owner="a")
    put(queue, "other", owner="b")
    queue.release(queue.claim("w"))
    assert queue.claim("w").job.id == "other"


def test_a_long_queue_is_claimed_from_quickly(queue, database):
    """With ten thousand queued jobs, a claim takes well under a second."""
    for owner in "abcde":
        many(database, owner, 2000)
    serve(queue, 1)
    began = perf_counter()
    serve(queue, 3)
    assert perf_counter() - began < 1.5


def test_quota(queue):
    """Each key has its own limits of unfinished jobs and bytes; a job that ends makes room."""
    quota = Quota(jobs=2, bytes=100)
    put(queue, "one", input_bytes=60, quota=quota)
    with pytest.raises(QuotaExceeded, match="100 bytes"):
        put(queue, "two", input_bytes=41, quota=quota)
    put(queue, "two", input_bytes=40, quota=quota)
    for add in (
        lambda: put(queue, "three", quota=quota),
        lambda: queue.require_room("key:a", quota, 0),
    ):
        with pytest.raises(QuotaExceeded, match="2 jobs"):
            add()
    put(queue, "other", owner="key:b", input_bytes=100, quota=quota)
    assert queue.ids() == {"one", "two", "other"}
    queue.claim("w")
    with pytest.raises(QuotaExceeded):
        queue.require_room("key:a", quota, 0)
    queue.cancel("two")
    put(queue, "three", input_bytes=40, quota=quota)


def test_quota_at_once(database_url, queue):
    """Of many jobs that a key sends at the same moment no more are taken than it may have."""
    quota = Quota(jobs=3, bytes=100)

    def send(number):
        database = Database(database_url)
        try:
            put(queue_of(database), f"job{number}", quota=quota)
        except QuotaExceeded:
            return False
        finally:
            database.close()
        return True

    assert sum(together(8, send)) == 3
    assert len(queue.ids()) == 3


def test_sent_again_beyond_the_quota(queue):
    """A job that is sent again with its idempotency key is the same job, whatever else its key has in the queue."""
    chosen = {"idempotency_key": "k", "fingerprint": "f", "quota": Quota(jobs=1, bytes=100)}
    put(queue, **chosen)
    job, made = queue.put(REQUEST, id="two", owner="key:a", owner_name="a", **chosen)
    assert (job.id, made) == ("one", False)


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)])
def test_a_clock_that_is_set_back(queue, monkeypatch, back):
    """When the clock is set back, a lease of before is over, for claim and cancellation, and a new one holds."""
    put(queue)
    put(queue, "cancelled", owner="key:b")
    put(queue, "waits")
    queue.claim("killed")
    queue.claim("killed too")
    monkeypatch.setattr(clock, "now", lambda _: datetime.now(UTC) - back)
    assert queue.cancel("cancelled").state == "cancelled"
    assert {queue.claim("w").job.id, queue.claim("w").job.id} == {"one", "waits"}
    assert queue.claim("another") is None


def test_a_lease_goes_on_through_a_step_of_the_clock(queue, monkeypatch):
    """A worker that lives renews its lease after the clock was set back, and keeps its job."""
    put(queue)
    lease = queue.claim("lives")
    monkeypatch.setattr(clock, "now", lambda _: datetime.now(UTC) - timedelta(hours=1))
    queue.renew(lease)
    assert queue.claim("other") is None


def test_turns_go_round_by_a_clock_that_was_set_back(queue, monkeypatch):
    """A key that was served before the clock was set back is not kept waiting until the clock has caught up."""
    for number in range(3):
        put(queue, f"a{number}", owner="a")
        put(queue, f"b{number}", owner="b")
    assert serve(queue, 1) == ["a0"]
    monkeypatch.setattr(clock, "now", lambda _: datetime.now(UTC) - timedelta(days=1))
    assert serve(queue, 5) == ["b0", "a1", "b1", "a2", "b2"]
