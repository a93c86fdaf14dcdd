"""The log can be read as docs/monitoring.md says."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT
from log_frames import KEYS, SECRET, log_answers

from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.log_maintenance import LogMaintenance
from churn_api.store.database import Database

MONITORING = (ROOT / "docs" / "monitoring.md").read_text()


@pytest.fixture
def folder(instance, tmp_path):
    """A folder with the log of a service: three predictions by two versions."""
    folder = LogFolder(tmp_path / "instance" / "prediction-log")
    log_answers(folder, ["ann", "bob"])
    log_answers(folder, ["cid"], version="2")
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    LogMaintenance(folder, database, KEYS, SECRET, 400).run()
    database.close()
    return tmp_path


def test_the_documented_program(folder):
    """The program of the documentation reads the files of a log with pyarrow, and summarizes them with pandas."""
    text = MONITORING.replace('"model") == "default"', '"model") == "small"')
    (program,) = re.findall(r"```python\n(import pyarrow.*?)```", text, re.S)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = [line.split()[:2] for line in done.stdout.splitlines()]
    assert ["1", "2.0"] in counts
    assert ["2", "1.0"] in counts


def test_the_documented_query(folder, monkeypatch):
    """The query of the documentation reads the files of a log with DuckDB. Skipped where that is not installed."""
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(folder)
    (query,) = re.findall(r"```sql\n(.*?)```", MONITORING, re.S)
    rows = duckdb.sql(query.replace("'default'", "'small'")).fetchall()
    assert {(version, predictions) for _, version, predictions, _ in rows} == {("1", 2), ("2", 1)}
    assert all(0 <= churn <= 1 for *_, churn in rows)
