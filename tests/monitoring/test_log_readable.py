"""The log can be read as docs/monitoring.md says."""

import re
import subprocess
import sys

from conftest import ROOT
from log_frames import KEYS, SECRET, log_answers

from churn_api.monitoring.log_folder import LogFolder
from churn_api.monitoring.log_maintenance import LogMaintenance
from churn_api.store.database import Database


def test_the_documented_program(instance, tmp_path):
    """The program of the documentation reads the files of a log with pyarrow, and summarizes them with pandas."""
    folder = LogFolder(tmp_path / "instance" / "prediction-log")
    log_answers(folder, ["ann", "bob"])
    log_answers(folder, ["cid"], version="2")
    database = Database(f"sqlite:///{instance / 'churn.db'}")
    LogMaintenance(folder, database, KEYS, SECRET, 400).run()
    database.close()
    text = (ROOT / "docs" / "monitoring.md").read_text().replace('"model") == "default"', '"model") == "small"')
    (program,) = re.findall(r"```python\n(import pyarrow.*?)```", text, re.S)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts = [line.split()[:2] for line in done.stdout.splitlines()]
    assert ["1", "2.0"] in counts
    assert ["2", "1.0"] in counts
