import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from churn_api.jobs.job import Request
from churn_api.jobs.queue import Queue
from churn_api.jobs.retention import prunable, prune
from churn_api.serving.scoring_progress import Progress
from churn_api.store.tables import JOBS

REQUEST = Request("m", "1", "d", "csv", "csv", None, "fail", None, "", "local")
PLENTY = 10**9


@pytest.fixture
def queue(database):
    return Queue(database, lease=timedelta(seconds=30), max_attempts=3)


@pytest.fixture
def make(queue, database, tmp_path):
    """Make a job that ended some days ago, or that has not, with files in its folder."""

    def make(job_id, *, days=None, size=100):
        queue.put(REQUEST, id=job_id, owner="a", owner_name="a")
        write(tmp_path / job_id, size)
        if days is not None:
            queue.succeed(queue.claim("w"), Progress(), size)
            ended = datetime.now(UTC) - timedelta(days=days)
            with database.transaction() as connection:
                connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(finished_at=ended))

    return make


def write(folder, size):
    (folder / "parts").mkdir(parents=True)
    (folder / "input").write_bytes(b"x" * (size // 2))
    (folder / "parts" / "0").write_bytes(b"x" * (size - size // 2))


def age(folder, days):
    at = time.time() - days * 86_400
    os.utime(folder, (at, at))


def left(queue, folder):
    """The folders that are left, where they are those of the jobs that are left."""
    folders = {path.name for path in folder.iterdir()}
    assert folders == queue.ids()
    return folders


def test_by_age(queue, make, tmp_path):
    """Jobs that ended longer ago than they are kept go with their folders, and the others stay."""
    for days in (1, 6, 8, 30):
        make(f"ended{days}", days=days)
    pruned = prune(queue, tmp_path, keep_days=7, keep_bytes=PLENTY)
    assert pruned == [("ended30", 100, "age"), ("ended8", 100, "age")]
    assert left(queue, tmp_path) == {"ended1", "ended6"}


def test_by_space(queue, make, tmp_path):
    """Where all folders take more than may be kept, those that ended first go until the rest fits."""
    for days in (2, 4, 1, 3):
        make(f"ended{days}", days=days)
    pruned = prune(queue, tmp_path, keep_days=7, keep_bytes=200)
    assert pruned == [("ended4", 100, "space"), ("ended3", 100, "space")]
    assert left(queue, tmp_path) == {"ended1", "ended2"}


def test_what_is_not_over_stays(queue, make, tmp_path):
    """A queued or running job is never removed, however old or large it is."""
    make("ended", days=1)
    make("running", size=10_000)
    queue.claim("w")
    make("queued", size=10_000)
    for job_id in ("running", "queued"):
        age(tmp_path / job_id, 1000)
    assert prune(queue, tmp_path, keep_days=0, keep_bytes=0) == [("ended", 100, "age")]
    assert left(queue, tmp_path) == {"running", "queued"}


def test_what_frees_nothing_stays(queue, make, tmp_path):
    """A job that has no files any more is not removed for their space."""
    make("empty", days=2, size=0)
    make("big", size=1000)
    assert prune(queue, tmp_path, keep_days=7, keep_bytes=10) == []


def test_strays(queue, make, tmp_path):
    """A folder that no job has goes after a day, when it can be no upload under way any more."""
    make("ended", days=1)
    for name, days in (("cut", 2), ("under way", 0)):
        write(tmp_path / name, 50)
        age(tmp_path / name, days)
    assert prune(queue, tmp_path, keep_days=7, keep_bytes=PLENTY) == [("cut", 50, "stray")]
    assert {path.name for path in tmp_path.iterdir()} == {"ended", "under way"}


def test_what_is_no_folder_stays(queue, tmp_path):
    """Files next to the folders, and targets of symbolic links, are never removed."""
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, 50)
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "link").symlink_to(elsewhere)
    (folder / "note").write_text("x")
    for path in (folder / "link", folder / "note"):
        os.utime(path, (0, 0), follow_symlinks=False)
    assert prune(queue, folder, keep_days=0, keep_bytes=0) == []
    assert {path.name for path in folder.iterdir()} == {"link", "note"}
    assert (elsewhere / "input").exists()


def test_without_files(queue, make, tmp_path):
    """A job without a folder is removed by age, as others are."""
    queue.put(REQUEST, id="one", owner="a", owner_name="a")
    queue.cancel("one")
    assert prune(queue, tmp_path / "none", keep_days=0, keep_bytes=0) == [("one", 0, "age")]
    assert queue.ids() == set()


def test_looking_removes_nothing(queue, make, tmp_path):
    """The list of what would be removed can be requested repeatedly, and removes nothing."""
    make("ended", days=8)
    first = prunable(queue, tmp_path, keep_days=7, keep_bytes=0)
    assert first == prunable(queue, tmp_path, keep_days=7, keep_bytes=0) == [("ended", 100, "age")]
    assert left(queue, tmp_path) == {"ended"}
