import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from builders import customers, write_csv
from conftest import ROOT

from benchmarks import servers
from benchmarks.models import FOLDER, make_models
from benchmarks.naughty import CANARY
from benchmarks.protocol_servers import MLSERVER, installed
from benchmarks.server_log import log_faults
from benchmarks.soak import Memory

pytestmark = pytest.mark.skipif(not (shutil.which("wrk") and shutil.which("nginx")), reason="wrk or nginx is not here")


@pytest.fixture(scope="module", autouse=True)
def trained():
    """The models of the benchmarks, which several test processes would otherwise train at once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "training.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make_models(FOLDER)
        # As the other checkout of test_against would train them.
        shutil.copytree(FOLDER / "models", FOLDER / "against" / "models", dirs_exist_ok=True)
        shutil.copy(FOLDER / "customers.csv", FOLDER / "against")


SHORT_LOAD = """#!/bin/sh
output=$(timeout --preserve-status --signal INT 0.4 {wrk} "$@")
case "$output" in *'"requests": 0,'*) exec {wrk} "$@" -d 9s ;; esac
echo "$output"
"""


@pytest.fixture(autouse=True)
def short_loads(tmp_path_factory, monkeypatch):
    """Loads of less than a second: `wrk` reports at SIGINT as at its end. One that got no answer is repeated."""
    command = tmp_path_factory.mktemp("bin") / "wrk"
    command.write_text(SHORT_LOAD.format(wrk=shutil.which("wrk")))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")


COMMAND = [sys.executable, "-m", "benchmarks", "--dry"]


def bench(*options):
    done = subprocess.run([*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_compare():
    """The benchmark starts a server, finds its answers equal to the pipelines' own, loads it, and prints tables."""
    printed = bench("--only", "churn-api", "--seconds", "1", "--rounds", "1")
    for title in ("one customer, 8 connections", "1,000 customers, boosted", "1,000 customers, logistic, behind nginx"):
        assert f"### {title}" in printed
    assert "| churn-api |" in printed


def test_compiled(tmp_path, monkeypatch):
    """Servers that are measured run from bytecode, as installed ones do, whatever the environment says."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    with servers.running("floor", tmp_path):
        assert list(tmp_path.rglob("flask/app.*.pyc"))


def test_against():
    """A checkout is compared with another one, here itself, and each figure is a ratio."""
    printed = bench("against", str(ROOT), "--seconds", "1", "--rounds", "1")
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


def test_doors():
    """Each protocol's answers are checked and loaded; servers of other systems that are not installed are named."""
    printed = bench("doors", "--seconds", "1", "--rounds", "1")
    for protocol in ("V2, binary tensors", "KServe V1", "Vertex AI", "Azure ML", "MLflow"):
        assert len(re.findall(rf"^\| {protocol} \| [\d,]+ \| ", printed, re.MULTILINE)) == 2, protocol
    if MLSERVER not in installed():
        assert "MLServer is left out: `make .venv-bench-mlserver/done` installs it" in printed


def test_logline():
    """Each way that a line is written is measured, on lines that arrive."""
    printed = bench("logline")
    for line in ("| a request's |", "| a request's, and its span |", "| a record of `logging` |"):
        assert line in printed


def test_metrics():
    """What metrics add to a request is printed, and what a scrape takes while files are few however many counted."""
    printed = bench("metrics", "--rounds", "2", "--restarts", "20")
    assert "| /api/v1/predict/boosting |" in printed
    (files,) = re.findall(r"\| after 20 restarts \|.*\| (\d+) \|", printed)
    assert 0 < int(files) <= 20


def test_monitoring():
    """The cost of the prediction log is measured on real servers, and printed for each mode and load."""
    printed = bench("monitoring", "--rounds", "1", "--seconds", "1")
    for mode in ("off", "answers", "records"):
        assert f"| 1,000 customers | {mode} |" in printed


def test_overrides():
    """The savings of each override of Flask are printed, and of all together."""
    printed = bench("overrides", "--rounds", "2")
    assert "| as it is |" in printed
    assert "| direct dispatch |" in printed


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


def test_soak():
    """Every worker answers or rejects hostile requests, and the log has no errors: the soak succeeds."""
    printed = bench("soak", "--seconds", "3")
    assert re.search(r"\| 3 \| [\d,]+ \| 0\.\d\d \|.*\| 0 \| 0 \| 0 \| 0 \|", printed)


def test_soak_of_a_server_that_fails():
    """A soak under which a worker is killed ends with an error, and prints that and what the server's log has of it."""
    with subprocess.Popen([*COMMAND, "soak", "--seconds", "9"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as soak:
        os.kill(a_worker(soak.pid), signal.SIGKILL)
        printed, _ = soak.communicate(timeout=120)
    assert soak.returncode != 0
    assert "1 of 4 workers replaced" in printed
    assert re.search(r"in the log, error: .*SIGKILL", printed)
    assert CANARY.decode() not in printed


def a_worker(soak):
    """One that has served for a while: what dies before the load begins is not the soak's to see."""
    for _ in range(2000):
        for process in psutil.Process(soak).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                is_gunicorn = "gunicorn" in " ".join(process.cmdline())
                if is_gunicorn and process.ppid() != soak and process.cpu_times().user > 0.3:
                    return process.pid
        time.sleep(0.1)
    pytest.fail("no worker of the soak serves")


LINES = {
    "": {"level": "warning", "event": "the queue has 5 jobs"},
    "error: worker N broke off (pyarrow.lib.ArrowInvalid)": {
        "level": "error",
        "event": "worker 71 broke off",
        "exception": "Traceback (most recent call last):\n  …\npyarrow.lib.ArrowInvalid: its words",
    },
    "critical: WORKER TIMEOUT (pid:N)": {"level": "critical", "event": "WORKER TIMEOUT (pid:35)"},
    "a traceback: a caller left (OSError)": {
        "level": "info",
        "event": "a caller left",
        "exception": "Traceback (most recent call last):\n  …\nOSError",
    },
    "an echo of what was sent": {"level": "info", "event": f"unknown {CANARY.decode()}"},
    "a traceback outside the log": None,
}


@pytest.mark.parametrize("fault", LINES)
def test_faults_of_a_log(tmp_path, fault):
    """Errors, tracebacks and echoes in a server's log are faults, named without what differs each time."""
    log = tmp_path / "log"
    line = json.dumps(LINES[fault]) if LINES[fault] else "Traceback (most recent call last):"
    log.write_text(f"a banner\n{line}\n{line}\n")
    assert log_faults(log).counts == ({fault: 2} if fault else {})


def test_memory_that_grew():
    """Memory at the end is at fault when it is more than a tenth above what it was when warm, and not before."""
    assert list(Memory(80, 400, 440).faults()) == []
    (fault,) = Memory(80, 400, 441).faults()
    assert "400.0 MB warm, 441.0 MB after" in fault
    assert list(Memory(80, None, 900).faults()) == []


@pytest.mark.skipif(
    not list(ROOT.glob(".venv-bench/lib/*/site-packages/lightgbm")), reason="LightGBM is not in .venv-bench"
)
def test_training(tmp_path):
    """A table is trained on by the command and by other learners, with options, and two fits are compared."""
    path = write_csv(customers(300), tmp_path / "customers.csv")
    printed = bench("training", "--table", str(path), "--target", "Churn", "--", "--exclude", "Region")
    for who in ("churn-api: ", "plain scikit-learn ", "plain LightGBM "):
        assert re.search(
            rf"\| customers.csv \| {who}.*\| [\d.]+ \| \d+ \| 0\.\d{{4}} \| 0\.\d{{4}} \| 0\.\d{{4}} \|", printed
        )
    assert re.search(r"\| customers.csv \| \d+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \|", printed)


def test_quality():
    """A log is made and joined with outcomes, and the table has what that took."""
    printed = bench("quality", "--days", "40", "--rows", "300")
    assert re.search(r"\| 40 \| 300 \| all periods \| \d+\.\d \| \d+ \| \d+ \|", printed)
