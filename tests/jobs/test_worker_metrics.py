from office import Office, grouped, working
from scrapes import Scrapes, until


def test_worker_of_its_own(models_dir, tmp_path):
    """A job worker without a server serves its metrics: blocks, good and bad rows, and finished jobs."""
    office, scrapes = Office(models_dir), Scrapes()
    with working(models_dir, tmp_path / "log", **scrapes.environment):
        office.put(grouped(tmp_path / "table.parquet", groups=3))
        assert office.finished().state == "succeeded"
        office.put(None, job="none")
        assert office.finished("none").state == "failed"
        until(lambda: scrapes.value("churn_jobs_finished_total", {"state": "failed"}) == 1)
        assert scrapes.value("churn_job_blocks_total", {}) == 3
        assert scrapes.value("churn_job_rows_total", {"outcome": "good"}) == 1200
        assert scrapes.value("churn_jobs_finished_total", {"state": "succeeded", "reason": ""}) == 1
    office.services.database.close()
