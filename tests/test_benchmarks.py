import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.skipif(not (shutil.which("wrk") and shutil.which("nginx")), reason="wrk or nginx is not here")


def bench(*options):
    command = [sys.executable, "-m", "benchmarks", "--dry", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_compare():
    """The benchmark starts servers, finds their answers equal to the pipelines' own, loads them, and prints tables."""
    printed = bench("--only", "floor", "--only", "churn-api", "--seconds", "1", "--rounds", "1")
    for title in ("one customer, 8 connections", "1,000 customers, boosted", "1,000 customers, logistic, behind nginx"):
        assert f"### {title}" in printed
    assert "| floor |" in printed
    assert "| churn-api |" in printed


def test_against():
    """A tree is loaded beside another checkout, here itself, and each figure is a ratio."""
    printed = bench("against", str(ROOT), "--seconds", "1", "--rounds", "2")
    for title in ("one customer, 8 connections", "1,000 customers, logistic", "memory of all processes"):
        assert f"| {title}" in printed
    assert re.search(r"\| \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\) \|", printed)


def test_sweep():
    """The sweep answers batches of every size up to the largest, and prints what each cost."""
    printed = bench("sweep", "--largest", "10")
    for line in ("| boosting | 1 |", "| boosting | 10 |", "| logistic | 10 |"):
        assert line in printed


def test_tables():
    """A table goes through the command, a job and a request in both formats, and what each cost is printed."""
    printed = bench("tables", "--rows", "3000", "--seconds", "0.1")
    for line in ("| `churn-api score` | parquet |", "| job | csv |", "| batch-predict, 3,000 rows of CSV |"):
        assert line in printed


def test_logline():
    """Each way that a line is written is measured, on lines that arrive."""
    printed = bench("logline")
    for line in ("| a request's |", "| a request's, and its span |", "| what `logging` is told |"):
        assert line in printed


def test_metrics():
    """What metrics add to a request is printed, and what a scrape takes while files are few however many counted."""
    printed = bench("metrics", "--rounds", "2", "--restarts", "20")
    assert "| /api/v1/predict/boosting |" in printed
    (files,) = re.findall(r"\| after 20 restarts \|.*\| (\d+) \|", printed)
    assert 0 < int(files) <= 20


def test_sums():
    """The sum that is the same in any order is timed beside a matrix product, for a single record and for many."""
    printed = bench("sums", "--rounds", "1")
    for line in ("| 1 |", "| 100 |", "| 1,000 |"):
        assert line in printed


def test_overrides():
    """What each override of Flask's saves is printed, beside all of them in place."""
    printed = bench("overrides", "--rounds", "2")
    assert "| as it is |" in printed
    assert "| `Api.create_url_adapter` |" in printed


def test_workers():
    """The memory of few workers and of many is printed, and what each further one takes."""
    printed = bench("workers", "--seconds", "1")
    few, many, each = (
        [float(cell) for cell in re.findall(r"\| ([\d.]+)(?= \|)", line)[-3:]]
        for line in printed.splitlines()
        if re.match(r"\| (2|6|each further one) \|", line)
    )
    assert all(0 < one < further for one, further in zip(few, many, strict=True))
    assert each == pytest.approx([(further - one) / 4 for one, further in zip(few, many, strict=True)], abs=0.1)
