"""Disks that are full while the server runs: small ext4 images, without room for a file and without room for a byte."""

import io
import os
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests
from builders import CUSTOMER, customers

PREDICT, BATCH, JOBS = "/api/v1/predict/small", "/api/v1/batch-predict/small", "/api/v1/jobs"


@contextmanager
def ext4(folder, name, megabytes=16, files=200):
    """A file system of its own, mounted for a block of code."""
    image, mounted = folder / f"{name}.img", folder / name
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-N", str(files), image], check=True, capture_output=True)
    mounted.mkdir()
    done = subprocess.run(["mount", "-o", "loop", image, mounted], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"an image cannot be mounted here: {done.stderr.decode()}")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", mounted], check=True)


@pytest.fixture
def disks(tmp_path):
    """A disk for temporary files, one for jobs, and one for the machine's own state."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("only root mounts images, and mkfs.ext4 makes them")
    with ExitStack() as stack:
        yield {name: stack.enter_context(ext4(tmp_path, name)) for name in ("temporary", "jobs", "instance")}


@contextmanager
def full(disk, of):
    """A disk without room for another file, or for another byte, for a block of code."""
    filler = disk / "filler"
    filler.mkdir()
    try:
        if of == "files":
            for number in range(10_000):
                (filler / str(number)).touch()
        else:
            with (filler / "bytes").open("wb", buffering=0) as file:
                while True:
                    file.write(b"\0" * (file.tell() == 0 or 1 << 12))
    except OSError as error:
        assert error.strerror == "No space left on device"
    yield
    shutil.rmtree(filler)


def sent(server, key):
    """What each kind of request is answered while a disk is full: status, code and part of each."""
    table = customers(5000).drop(columns="Churn").to_csv(index=False).encode()
    headers = {"X-API-Key": key}
    csv = headers | {"Content-Type": "text/csv", "Accept": "text/csv"}
    few = b"\n".join(table.splitlines()[:100])
    answers = {
        "predict": requests.post(server.url + PREDICT, json=CUSTOMER, headers=headers, timeout=120),
        "batch": requests.post(server.url + BATCH, data=few, headers=csv, timeout=120),
        "job": requests.post(
            server.url + JOBS,
            files={"file": ("a.csv", io.BytesIO(table * 4))},
            data={"model": "small"},
            headers=headers,
            timeout=120,
        ),
    }
    for answer in answers.values():
        assert answer.status_code < 500 or answer.headers["Content-Type"] == "application/problem+json"
    return {
        name: (answer.status_code, answer.json().get("part") if answer.status_code >= 400 else None)
        for name, answer in answers.items()
    }


@pytest.mark.parametrize("of", ["files", "bytes"])
def test_a_full_disk(serve, models_dir, make_key, disks, instance, of):
    """A full disk is 503 with the part that is full, and a log line; what needs no room goes on, and all does after."""
    shutil.copytree(instance, disks["instance"], dirs_exist_ok=True)
    key = make_key("predict", "jobs", "ops")
    shutil.copy(instance / "churn.db", disks["instance"] / "churn.db")
    environment = {
        "TMPDIR": str(disks["temporary"]),
        "CHURN_JOBS_DIR": str(disks["jobs"]),
        "CHURN_INSTANCE_DIR": str(disks["instance"]),
        "CHURN_RATELIMIT_ENABLED": "1",
        "CHURN_RATELIMIT_PREDICT": "1000/second",
        "CHURN_RATELIMIT_BATCH": "1000/second",
        "CHURN_RATELIMIT_MANAGEMENT": "1000/second",
        "CHURN_LOG_FORMAT": "json",
    }
    # SQLite has its files open: it needs no other.
    writes = ("job",) if of == "bytes" else ()
    fine = {"predict": (200, None), "batch": (200, None), "job": (202, None)}
    with serve(models_dir, workers=1, **environment) as server:
        workers = server.workers()
        assert sent(server, key) == fine
        time.sleep(1)
        for part, failing in (("temporary", ("batch", "job")), ("jobs", ("job",)), ("instance", writes)):
            with full(disks[part], of):
                output = sent(server, key)
                health = requests.get(server.url + "/health", timeout=120).json()
            expected = dict.fromkeys(failing, (503, "database" if part == "instance" else part))
            assert output == fine | expected
            assert part in health["checks"]["disk"]["reason"]
            assert sent(server, key) == fine
        events = [line["event"] for line in server.lines if line["level"] == "error"]
        assert any("temporary" in event and "No space left" in event for event in events)
        assert any("jobs" in event and "No space left" in event for event in events)
        assert of == "files" or any(event.startswith("the database is full") for event in events)
        assert "Traceback" not in server.log
        assert server.workers() == workers
