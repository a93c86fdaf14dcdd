import threading
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest
from sqlalchemy.exc import IntegrityError

from churn_api.jobs.job import FINISHED, STATES, Request
from churn_api.jobs.leases import Cancelled, LeaseLost
from churn_api.jobs.queue import Finished, KeyReused, Queue, UnknownJob
from churn_api.serving.scoring_progress import Progress
from churn_api.store import audit
from churn_api.store.database import Database
from churn_api.store.schema import upgrade

REQUEST = Request(
    model="telco",
    version="2",
    digest="d" * 64,
    format="csv",
    result_format="parquet",
    threshold=0.4,
    on_error="skip",
    keep=["Region"],
    source="",
    engine="local",
)
FIRST = Progress(blocks=1, start=20, stop=120, rows=10, lines=11, bad_rows=1, done=100, total=400, unseen={"Region": 2})


def queue_of(database, seconds=30, max_attempts=3):
    """A queue; with negative seconds, leases expire immediately."""
    return Queue(database, lease=timedelta(seconds=seconds), max_attempts=max_attempts)


@pytest.fixture
def queue(database):
    return queue_of(database)


@pytest.fixture
def forgotten(database):
    """A queue whose leases expire immediately, as of workers that are killed."""
    return queue_of(database, seconds=-1)


def put(queue, id="one", owner="key:a", **chosen):  # noqa: A002
    job, made = queue.put(REQUEST, id=id, owner=owner, owner_name=f"name of {owner}", **chosen)
    assert made
    return job


def finish(queue, job_id, state):
    """Bring a new job to a final state."""
    put(queue, job_id)
    if state == "cancelled":
        queue.cancel(job_id)
        return
    lease = queue.claim("w")
    queue.fail(lease, "malformed-table", "line 3") if state == "failed" else queue.succeed(lease, FIRST, 99)


def test_put_and_get(queue):
    """A queued job has its request, and is found by its id."""
    made = put(queue)
    assert (made.state, made.request, made.progress, made.attempts) == ("queued", REQUEST, Progress(), 0)
    assert (made.owner, made.owner_name, made.worker) == ("key:a", "name of key:a", None)
    assert abs(datetime.now(UTC) - made.created_at) < timedelta(seconds=10)
    assert queue.get("one") == made
    assert queue.get("two") is None


def test_an_id_is_taken_once(queue):
    """A second job of one id is refused, with an idempotency key or without."""
    put(queue)
    for chosen in ({}, {"idempotency_key": "k"}):
        with pytest.raises(IntegrityError):
            put(queue, **chosen)


def test_oldest_first(queue):
    """Jobs are leased in the order in which they were queued, each once, and then there is none."""
    for job_id in ("c", "a", "b"):
        put(queue, job_id)
    leases = [queue.claim(f"w{number}") for number in range(3)]
    assert [lease.job.id for lease in leases] == ["c", "a", "b"]
    assert [lease.job.worker for lease in leases] == ["w0", "w1", "w2"]
    assert {(lease.token, lease.job.attempts, lease.job.state) for lease in leases} == {(1, 1, "running")}
    assert queue.claim("w") is None


def test_advance(queue):
    """What a worker has finished is kept, and so is what it ends with."""
    put(queue)
    lease = queue.claim("w")
    queue.advance(lease, FIRST)
    assert queue.get("one").progress == FIRST
    last = Progress(blocks=4, start=320, stop=420, rows=40, done=400, total=400)
    queue.succeed(lease, last, 1234)
    job = queue.get("one")
    assert (job.state, job.progress, job.result_bytes) == ("succeeded", last, 1234)
    assert job.created_at <= job.started_at <= job.advanced_at <= job.finished_at


def test_fail(queue):
    """A job that failed says why, and is not leased again."""
    put(queue)
    queue.fail(queue.claim("w"), "malformed-table", "line 3")
    job = queue.get("one")
    assert (job.state, job.reason_code, job.reason) == ("failed", "malformed-table", "line 3")
    assert job.finished_at is not None
    assert queue.claim("w") is None


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_reasons_that_no_database_takes(queue, odd):
    """A job whose reason holds what a database refuses is failed all the same, not tried again for ever."""
    put(queue)
    queue.fail(queue.claim("w"), "malformed-table", f"column {odd}x")
    job = queue.get("one")
    assert (job.state, odd in job.reason) == ("failed", False)


@pytest.mark.parametrize("job_id", ["\0", "a\0b", "\ud800", "x" * 65, "", "../one", "%00"])
def test_ids_that_no_job_has(queue, job_id):
    """Any text may be requested as an id; one that no job can have is unknown, on every database."""
    put(queue)
    assert queue.get(job_id) is None
    with pytest.raises(UnknownJob):
        queue.cancel(job_id)


def writes(queue, lease):
    """Every way to write under a lease."""
    return [
        lambda: queue.advance(lease, FIRST),
        lambda: queue.renew(lease),
        lambda: queue.succeed(lease, FIRST, 1),
        lambda: queue.fail(lease, "code", "reason"),
        lambda: queue.cancelled(lease),
        lambda: queue.release(lease),
    ]


def test_taken_over(queue, forgotten):
    """A job whose lease has expired continues with another worker, and the first one can no longer write."""
    put(queue)
    old = forgotten.claim("old")
    forgotten.advance(old, FIRST)
    new = queue.claim("new")
    assert (new.token, new.job.attempts, new.job.worker) == (old.token + 1, 2, "new")
    assert (new.job.progress, new.job.started_from) == (FIRST, FIRST)
    before = queue.get("one")
    for write in writes(queue, old):
        with pytest.raises(LeaseLost):
            write()
    assert queue.get("one") == before
    queue.advance(new, FIRST)


def test_the_same_worker_twice(queue, forgotten):
    """A worker that claims its own job again cannot write with its old lease."""
    put(queue)
    old = forgotten.claim("w")
    queue.claim("w")
    with pytest.raises(LeaseLost):
        queue.renew(old)


@pytest.mark.parametrize("state", FINISHED)
def test_over_is_over(queue, state):
    """No lease writes to a job that is over."""
    put(queue)
    lease = queue.claim("w")
    end = {"succeeded": lambda: queue.succeed(lease, FIRST, 1), "failed": lambda: queue.fail(lease, "code", "reason")}
    end.get(state, lambda: queue.cancelled(lease))()
    before = queue.get("one")
    assert before.state == state
    for write in writes(queue, lease):
        with pytest.raises(LeaseLost):
            write()
    assert queue.get("one") == before


def test_a_deleted_job(queue):
    """A worker whose job is gone has lost its lease, not the database."""
    put(queue)
    lease = queue.claim("w")
    queue.succeed(lease, FIRST, 1)
    queue.delete("one")
    with pytest.raises(LeaseLost):
        queue.advance(lease, FIRST)


@pytest.mark.parametrize("way", ["renew", "advance"])
def test_renewed(queue, forgotten, way):
    """A lease that is renewed, by a heartbeat or by a checkpoint, is not taken over."""
    put(queue)
    lease = forgotten.claim("w")
    queue.renew(lease) if way == "renew" else queue.advance(lease, FIRST)
    assert queue.claim("other") is None


def test_release(queue):
    """A released job can be leased at once, continues where it stopped, and no attempt is counted."""
    put(queue)
    for _ in range(10):
        lease = queue.claim("w")
        assert lease.job.attempts == 1
        queue.advance(lease, FIRST)
        queue.release(lease)
    job = queue.get("one")
    assert (job.state, job.attempts, job.progress) == ("queued", 0, FIRST)


def test_attempts_run_out(queue, forgotten):
    """A job that has ended its worker too often fails, and the next job is leased."""
    put(queue)
    put(queue, "two")
    for attempt in range(3):
        assert forgotten.claim("w").job.attempts == attempt + 1
    assert queue.claim("w").job.id == "two"
    job = queue.get("one")
    assert (job.state, job.reason_code) == ("failed", "attempts-exhausted")
    assert job.reason == "the worker ended 3 times while it worked on this"


def test_idempotency(queue):
    """The same key of the same owner gives the same job, of another owner another, and for something else none."""
    chosen = {"idempotency_key": "k", "fingerprint": "f"}
    first = put(queue, **chosen)
    again = queue.put(REQUEST, id="two", owner="key:a", owner_name="a", **chosen)
    assert again == (first, False)
    put(queue, "three", owner="key:b", **chosen)
    for job_id in ("four", "five"):
        put(queue, job_id)
    with pytest.raises(KeyReused):
        put(queue, "six", idempotency_key="k", fingerprint="g")
    assert queue.ids() == {"one", "three", "four", "five"}


def test_idempotency_when_over(queue):
    """A key gives its job as long as that is kept, and then a new one."""
    put(queue, idempotency_key="k")
    queue.cancel("one")
    job, made = queue.put(REQUEST, id="two", owner="key:a", owner_name="a", idempotency_key="k")
    assert (job.id, job.state, made) == ("one", "cancelled", False)
    queue.delete("one")
    assert put(queue, "two", idempotency_key="k").state == "queued"


def together(count, do):
    """What threads return that do something at the same moment."""
    barrier, result = threading.Barrier(count), []

    def run(number):
        barrier.wait()
        result.append(do(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(result) == count
    return result


def test_one_key_at_once(queue, database_url):
    """Of many callers with one key at the same moment one makes the job, and all are given it."""

    def ask(number):
        database = Database(database_url)
        asked = {"owner": "key:a", "owner_name": "a", "idempotency_key": "k", "fingerprint": "f"}
        try:
            return queue_of(database).put(REQUEST, id=f"job{number}", **asked)
        finally:
            database.close()

    result = together(8, ask)
    assert sum(made for _, made in result) == 1
    assert {job.id for job, _ in result} == queue.ids()


def _claim_all(url, worker, results):
    """Claim until the queue is empty, and report the claimed jobs."""
    database = Database(url)
    queue, claimed = queue_of(database), []
    while (lease := queue.claim(worker)) is not None:
        claimed.append(lease.job.id)
        queue.advance(lease, FIRST)
        queue.succeed(lease, FIRST, 1)
    database.close()
    results.put(claimed)


def test_claimed_once(queue, database_url):
    """Of fifty jobs that several processes claim at once, each is claimed once, and none is left."""
    jobs = [put(queue, f"job{number}").id for number in range(50)]
    context = get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_claim_all, args=(database_url, f"w{n}", results)) for n in range(4)]
    for process in processes:
        process.start()
    claimed = [job_id for _ in processes for job_id in results.get(timeout=60)]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert sorted(claimed) == sorted(jobs)
    assert queue.depth().jobs["succeeded"] == 50


def test_abandoned_is_claimed_once(queue, forgotten, database_url):
    """Of many workers that see an expired lease at the same moment, one takes the job over."""
    put(queue)
    forgotten.claim("old")

    def claim(number):
        database = Database(database_url)
        try:
            return queue_of(database).claim(f"w{number}")
        finally:
            database.close()

    leases = [lease for lease in together(8, claim) if lease is not None]
    assert [(lease.token, lease.job.attempts) for lease in leases] == [(2, 2)]


def test_cancel_queued(queue):
    """A queued job is cancelled at once, and is not leased."""
    put(queue)
    job = queue.cancel("one")
    assert job.state == "cancelled"
    assert job.finished_at is not None
    assert queue.claim("w") is None


@pytest.mark.parametrize("way", ["renew", "advance"])
def test_cancel_running(queue, way):
    """The worker of a cancelled job gets Cancelled at its next write, saves nothing, and ends the job."""
    put(queue)
    lease = queue.claim("w")
    job = queue.cancel("one")
    assert (job.state, job.cancel_asked) == ("running", True)
    with pytest.raises(Cancelled):
        queue.renew(lease) if way == "renew" else queue.advance(lease, FIRST)
    assert queue.get("one").progress == Progress()
    queue.cancelled(lease)
    assert queue.get("one").state == "cancelled"


def test_cancel_twice(queue):
    """A running job may be cancelled again while its worker has not heard of it."""
    put(queue)
    queue.claim("w")
    queue.cancel("one")
    assert queue.cancel("one").state == "running"


def test_cancel_abandoned(queue, forgotten):
    """A job that no worker holds any more is cancelled at once, and the worker that comes back can write no more."""
    put(queue)
    lease = forgotten.claim("w")
    assert queue.cancel("one").state == "cancelled"
    with pytest.raises(LeaseLost):
        queue.advance(lease, FIRST)


def test_cancelled_and_killed(queue, database):
    """A job that is cancelled, and whose worker is killed before it hears of that, is not leased again."""
    put(queue)
    queue.claim("w")
    queue.cancel("one")
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE jobs SET lease_until = '2000-01-01 00:00:00.000000'")
    assert queue.claim("other") is None
    assert queue.get("one").state == "cancelled"


def test_cancelled_and_released(queue):
    """A job that is cancelled, and whose worker gives it back, is over."""
    put(queue)
    lease = queue.claim("w")
    queue.cancel("one")
    queue.release(lease)
    job = queue.get("one")
    assert job.state == "cancelled"
    assert job.finished_at is not None


def test_cancelled_too_late(queue):
    """A job whose worker was done before it heard of the cancellation has succeeded."""
    put(queue)
    lease = queue.claim("w")
    queue.cancel("one")
    queue.succeed(lease, FIRST, 1)
    assert queue.get("one").state == "succeeded"


@pytest.mark.parametrize("state", FINISHED)
def test_cancel_finished(queue, state):
    """A job that is over cannot be cancelled, and the refusal says how it ended."""
    finish(queue, "one", state)
    with pytest.raises(Finished) as raised:
        queue.cancel("one")
    assert raised.value.args == (state,)
    assert queue.get("one").state == state


def test_cancel_unknown(queue):
    """A job that there is not cannot be cancelled."""
    with pytest.raises(UnknownJob):
        queue.cancel("one")


def test_cancel_is_audited(queue, database):
    """A cancellation by an operator is in the audit log; a rejected one is not."""
    put(queue)
    queue.cancel("one", by="anna")
    with pytest.raises(Finished):
        queue.cancel("one", by="ben")
    output = [(act.actor, act.action, act.subject, act.detail) for act in audit.latest_entries(database, 10)]
    assert output == [("anna", "jobs.cancel", "one", {"before": "queued"})]


def test_list(queue):
    """Jobs are listed newest first, by owner and state where given, and no more than the limit."""
    for number in range(6):
        put(queue, f"job{number}", owner=f"key:{number % 2}")
    queue.claim("w")
    assert [job.id for job in queue.list(None, 4)] == ["job5", "job4", "job3", "job2"]
    assert [job.id for job in queue.list("key:1", 2)] == ["job5", "job3"]
    assert [job.id for job in queue.list(None, 9, state="running")] == ["job0"]
    assert queue.list("key:0", 9, state="failed") == []


def test_depth(queue):
    """The depth counts the jobs of every state, and says how long the oldest queued one has waited."""
    assert queue.depth() == (dict.fromkeys(STATES, 0), 0)
    finish(queue, "failed", "failed")
    put(queue, "running")
    queue.claim("w")
    put(queue, "first")
    put(queue, "second")
    depth = queue.depth()
    assert depth.jobs == {"queued": 2, "running": 1, "succeeded": 0, "failed": 1, "cancelled": 0}
    assert 0 <= depth.oldest_seconds < 60


def test_delete(queue):
    """A job that is over is forgotten; one that is not, or that there is not, is left alone."""
    put(queue, "running")
    queue.claim("w")
    finish(queue, "over", "cancelled")
    put(queue, "queued")
    assert [queue.delete(job_id) for job_id in ("over", "queued", "running", "none")] == [True, False, False, False]
    assert queue.ids() == {"queued", "running"}


def test_finished(queue):
    """Finished jobs are listed in the order in which they ended, not in which they were queued."""
    for job_id in ("a", "b", "c", "d"):
        put(queue, job_id)
    lease = queue.claim("w")
    queue.cancel("c")
    queue.cancel("b")
    queue.succeed(lease, FIRST, 1)
    assert [job_id for job_id, _ in queue.finished()] == ["c", "b", "a"]


def test_a_workers_clock(postgres_database, monkeypatch):
    """On a shared database, a worker whose clock is wrong neither loses nor takes a lease too early."""

    class Wrong(datetime):
        @classmethod
        def now(cls, zone):
            return datetime.now(zone) + timedelta(days=1)

    database = Database(postgres_database)
    upgrade(database)
    queue = queue_of(database)
    put(queue)
    queue.claim("right")
    monkeypatch.setattr("churn_api.store.clock.datetime", Wrong)
    assert queue.claim("wrong") is None
    database.close()
