"""The log of a job worker."""

import json

from office import Office, until


def test_one_form(models_dir, small_table, tmp_path):
    """A worker's lines are of the same form as the server's, and those about a job name it."""
    office = Office(models_dir)
    office.put(small_table, "first")
    with office.worker(tmp_path / "log") as worker:
        assert office.finished("first").state == "succeeded"
        until(lambda: "job first: done" in worker.log)
        lines = [json.loads(line) for line in worker.log.splitlines()]
    office.services.database.close()
    assert all(list(line)[:5] == ["timestamp", "level", "event", "pid", "logger"] for line in lines)
    about = [line["event"] for line in lines if line.get("job") == "first"]
    assert about[0].startswith("job first: attempt 1 begins")
