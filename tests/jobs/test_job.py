from datetime import UTC, datetime, timedelta

import pytest

from churn_api.jobs.job import Job, Request
from churn_api.serving.scoring_progress import Progress

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def job(state="running", seconds=10, **progress):
    """A job whose latest attempt started at 100 of 400 rows, and has run for some seconds."""
    result = Progress(rows=100, done=1000, total=4000)
    request = Request("m", "1", "d", "csv", "csv", None, "fail", None, "", "local")
    return Job(
        id="one",
        owner="a",
        owner_name="a",
        state=state,
        request=request,
        progress=Progress(**({"rows": 200, "done": 2000, "total": 4000} | progress)),
        attempts=2,
        worker="w",
        created_at=BEGAN - timedelta(hours=1),
        started_at=BEGAN,
        finished_at=None,
        reason_code=None,
        reason=None,
        result_bytes=None,
        advanced_at=None if seconds is None else BEGAN + timedelta(seconds=seconds),
        started_from=result,
        cancel_asked=False,
    )


def test_pace():
    """Rate and remaining time are computed from the latest attempt alone, not from earlier progress."""
    running = job()
    assert (running.percent, running.rate, running.seconds_left) == (50, 10, 20)


@pytest.mark.parametrize("none", [job(seconds=None), job(seconds=0), job(seconds=-5)], ids=["new", "at once", "back"])
def test_no_pace_yet(none):
    """Before the first block of an attempt, or where the clock was set back, there is no rate."""
    assert (none.percent, none.rate, none.seconds_left) == (50, None, None)


def test_nothing_to_do():
    """Of a job that has not looked at its input yet nothing is done, and of an empty one that succeeded everything."""
    assert job("queued", seconds=None, done=0, total=0).percent == 0
    assert job("succeeded", done=0, total=0).percent == 100


def test_over():
    """A job that is over has no time left, and keeps the pace that it had."""
    assert (job("failed").seconds_left, job("failed").rate) == (None, 10)
