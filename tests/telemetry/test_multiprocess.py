"""Counters of many processes: exact whichever processes die or read, and never seen to decrease."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT

from churn_api.config import StartError
from churn_api.telemetry import multiprocess_dir

COUNTING = str(Path(__file__).with_name("counting.py"))
READ = """
import sys
from contextlib import suppress
from pathlib import Path
from churn_api.telemetry import multiprocess
for line in sys.stdin:
    if line.strip() == "compact":
        with suppress(multiprocess.Busy):
            multiprocess.compact(Path(sys.argv[1]))
    found = {metric.name: metric.samples for metric in multiprocess.read(Path(sys.argv[1]))}
    samples = [sample for samples in found.values() for sample in samples]
    print(";".join(f"{sample.name} {sample.value!r}" for sample in samples if "le" not in sample.labels), flush=True)
"""
READ_ON = """
import sys
from pathlib import Path
from churn_api.telemetry import multiprocess
multiprocess.read(Path(sys.argv[1]))
print("begun", flush=True)
while True:
    multiprocess.read(Path(sys.argv[1]))
"""
RESTARTS = """
import os, sys
from pathlib import Path
from churn_api.telemetry import multiprocess_dir
group = multiprocess_dir.begin(Path(sys.argv[1]))
from churn_api.telemetry import multiprocess
from churn_api.telemetry.metric_families import families
counted = families()
counted.in_flight.set(0)
for number in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        counted.requests.labels("GET", "/", 200, "api").inc()
        counted.seconds.labels("/").observe(0.1)
        counted.in_flight.inc()
        os._exit(0)
    os.waitpid(pid, 0)
    if number % 3 == 0:
        multiprocess.compact(group)
print(group, flush=True)
sys.stdin.read()
"""


class Process:
    """A process that reads lines from its input, and answers a line each."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, text: object) -> str:
        self.popen.stdin.write(f"{text}\n")
        self.popen.stdin.flush()
        return self.answer()

    def answer(self) -> str:
        return self.popen.stdout.readline().strip()

    def end(self, number: int = signal.SIGKILL) -> None:
        self.popen.send_signal(number)
        self.popen.wait(10)
        self.popen.stdin.close()
        self.popen.stdout.close()


@pytest.fixture
def start():
    """Start processes that are killed in the end."""
    started = []

    def start(*arguments, **environment):
        started.append(Process(*map(str, arguments), **environment))
        return started[-1]

    yield start
    for process in started:
        process.end()


def values(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in (pair.split() for pair in text.split(";") if pair)}


def test_hundreds_of_restarts(start, tmp_path):
    """After hundreds of processes that counted and died, sums are exact, gauges of the dead gone, and files few."""
    parent = start("-c", RESTARTS, tmp_path, 300)
    group = Path(parent.answer())
    reader = start("-c", READ, group)
    result = values(reader.send("read"))
    assert result["http_requests_total"] == result["http_request_duration_seconds_count"] == 300
    assert result["http_request_duration_seconds_sum"] == 300 * round(0.1 * 2**24) / 2**24
    assert result["http_requests_in_flight"] == 0
    assert len([*group.rglob("*.db")]) <= 6


def test_killed_process(start, tmp_path):
    """What a process counted before a kill -9 counts on; what it was working on does not."""
    first = start(COUNTING, tmp_path)
    group = first.send(3)
    second = start(COUNTING, tmp_path, PROMETHEUS_MULTIPROC_DIR=group)
    second.send(4)
    reader = start("-c", READ, group)
    assert values(reader.send("read"))["http_requests_in_flight"] == 7
    second.end()
    for _ in range(3):
        result = values(reader.send("compact"))
        assert result["http_requests_total"] == 7
        assert result["http_requests_in_flight"] == 3


def test_compaction_that_was_killed(start, tmp_path):
    """A compaction that was killed after it took effect, or before, is finished by the next reader, and counts once."""
    first = start(COUNTING, tmp_path)
    group = Path(first.send(1))
    second = start(COUNTING, tmp_path, PROMETHEUS_MULTIPROC_DIR=str(group))
    second.send(5)
    kept = {path: path.read_bytes() for path in group.glob(f"*_{second.popen.pid}.db")}
    second.end()
    reader = start("-c", READ, group)
    reader.send("compact")
    (compacted,) = group.glob("compacted-*")
    for path, data in kept.items():
        path.write_bytes(data)
    (compacted / "consumed").write_text("\n".join(path.name for path in kept))
    (group / "compacting").mkdir()
    assert values(reader.send("read"))["http_requests_total"] == 6
    assert not any(path.exists() for path in kept)
    assert values(reader.send("compact"))["http_requests_total"] == 6


def test_never_down(start, tmp_path):
    """Continuous readers, while processes count, die and are compacted, see every counter only rise."""
    first = start(COUNTING, tmp_path)
    group = first.send(1)
    readers = [start("-c", READ, group) for _ in range(2)]
    seen: list[list[dict[str, float]]] = [[], []]
    stop = threading.Event()

    def ask(reader, result):
        while not stop.is_set():
            result.append(values(reader.send("compact" if len(result) % 2 else "read")))

    threads = [threading.Thread(target=ask, args=pair) for pair in zip(readers, seen, strict=True)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        worker = start(COUNTING, tmp_path, PROMETHEUS_MULTIPROC_DIR=group)
        worker.send(7)
        worker.end()
    stop.set()
    for thread in threads:
        thread.join()
    for result in seen:
        assert len(result) > 10
        for name in ("http_requests_total", "http_request_duration_seconds_sum", "http_request_duration_seconds_count"):
            output = [one[name] for one in result]
            assert output == sorted(output)
    assert values(readers[0].send("read"))["http_requests_total"] == 57


def test_readers_wait_for_no_reader(start, tmp_path):
    """A reader that is stopped at any moment, in the middle of reading too, holds up no other."""
    group = start(COUNTING, tmp_path).send(3)
    other, reader = start("-c", READ_ON, group), start("-c", READ, group)
    assert other.answer() == "begun"
    for _ in range(20):
        other.popen.send_signal(signal.SIGSTOP)
        assert values(reader.send("read"))["http_requests_total"] == 3
        other.popen.send_signal(signal.SIGCONT)


def test_groups_are_apart(start, tmp_path):
    """Two groups below one folder count apart, a start removes neither, and one whose processes are gone is removed."""
    first, second = start(COUNTING, tmp_path), start(COUNTING, tmp_path)
    one, other = Path(first.send(2)), Path(second.send(3))
    assert one != other
    assert values(start("-c", READ, one).send("read"))["http_requests_total"] == 2
    first.end()
    third = Path(start(COUNTING, tmp_path).send(1))
    assert {path.name for path in tmp_path.glob("group-*")} == {other.name, third.name}
    assert values(start("-c", READ, other).send("read"))["http_requests_total"] == 3


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_somebody_else(tmp_path, monkeypatch):
    """In shared memory, a folder that another user has created is rejected, with what to do."""
    monkeypatch.setattr(multiprocess_dir, "SHARED_MEMORY", tmp_path)
    theirs = tmp_path / "churn-api-0"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    with pytest.raises(StartError, match="CHURN_METRICS_DIR"):
        multiprocess_dir.begin(theirs)
