import shutil
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.skipif(shutil.which("wrk") is None, reason="there is no wrk here")
def test_bench_runs():
    """The benchmark starts a server, finds its answers equal to the pipelines' own, loads it, and prints a table."""
    options = ["--only", "floor", "--only", "churn-api", "--seconds", "1", "--rounds", "1", "--dry"]
    command = [sys.executable, "-m", "benchmarks", *options]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300).stdout
    for title in ("one customer, 8 connections", "1,000 customers, boosted", "1,000 customers, logistic"):
        assert f"### {title}" in printed
    assert "| floor |" in printed
    assert "| churn-api |" in printed
