"""The image, run and called. Skipped unless TEST_IMAGE names one that Docker or Buildah has.

    docker build --tag churn-api . && TEST_IMAGE=churn-api make pytest ARGS=tests/test_container.py

Docker runs it with a root file system that is read-only; Buildah, which needs no engine, with one that belongs to root.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from benchmarks.nginx import free_port

IMAGE = os.environ.get("TEST_IMAGE", "")
CUSTOMER = {"age": 35, "tenure": 24, "monthly_charges": 65.50}
USER = 10001
SEEN = """
import importlib.util, pathlib, flask
print(pathlib.Path(flask.__cached__).is_file(), importlib.util.find_spec("sklearn"))
"""

pytestmark = pytest.mark.skipif(not IMAGE, reason="TEST_IMAGE names no image")


class Container:
    """The image with one folder of state, for one command after another."""

    def __init__(self, engine: list[str], image: list[str], port: int) -> None:
        self._engine, self._image, self.port = engine, image, port

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command; its output is that of both streams."""
        variables = [f"--env={name}={value}" for name, value in {"PORT": str(self.port), **environment}.items()]
        line = [*self._engine, *variables, *self._image, *command]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *command: str) -> str:
        """Run a command to its end."""
        process = self.start(*command)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        return output.strip()


def answers(command: list[str]) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory, models_dir) -> Path:
    """What /data is: models, and room for the rest, open to the image's user."""
    folder = tmp_path_factory.mktemp("data")
    shutil.copytree(models_dir, folder / "models")
    (folder / "jobs").mkdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def container(data) -> Iterator[Container]:
    port, mount = free_port(), f"--volume={data}:/data"
    if answers(["docker", "info"]):
        engine = ["docker", "run", "--rm", "--network=host", "--read-only", "--cap-drop=ALL", mount]
        yield Container(engine, [IMAGE], port)
    elif answers(["buildah", "inspect", "--type=image", IMAGE]):
        name = subprocess.run(["buildah", "from", IMAGE], capture_output=True, text=True, check=True).stdout.strip()
        yield Container(["buildah", "run", "--isolation=chroot", mount], [name, "--"], port)
        subprocess.run(["buildah", "rm", name], capture_output=True, check=True)
    else:
        pytest.skip(f"neither Docker nor Buildah has {IMAGE}")


@pytest.fixture(scope="module")
def key(container) -> str:
    container.run("churn-api", "db", "upgrade")
    for model, version in (("default", "1"), ("odd", "1"), ("small", "2")):
        container.run("churn-api", "models", "live", model, version)
    reported = container.run("churn-api", "keys", "create", "--name=tests", "--scopes=predict,jobs").splitlines()
    return next(line for line in reported if " " not in line)


@pytest.fixture(scope="module")
def url(container, key) -> Iterator[str]:
    """The address of the running image."""
    process = container.start("churn-api", "serve", HOST="127.0.0.1", CHURN_JOB_WORKER="1")
    address = f"http://127.0.0.1:{container.port}"
    try:
        wait_until_ready(address, process)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=60)


def wait_until_ready(address: str, process: subprocess.Popen[str]) -> None:
    for _ in range(120):
        try:
            if requests.get(f"{address}/health/ready", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.5)
    pytest.fail("the image is not ready after a minute")


def test_user_and_files(container):
    """It runs as a user that is not root and writes to /data alone; byte code is there, training is not."""
    script = "for folder in . /etc /data; do touch $folder/try && echo wrote $folder; done; id -u; rm /data/try"
    reported = container.run("sh", "-c", script).splitlines()
    assert [line for line in reported if "cannot" not in line] == ["wrote /data", str(USER)]
    assert container.run("python", "-c", SEEN) == "True None"


def test_prediction(url, key):
    """It answers predictions with a key, and rejects others."""
    answer = requests.post(f"{url}/api/v1/predict", json=CUSTOMER, headers={"X-API-Key": key}, timeout=10)
    assert 0 <= answer.json()["churn_probability"] <= 1
    assert requests.post(f"{url}/api/v1/predict", json=CUSTOMER, timeout=10).status_code == 401


def test_health_check(container, url):
    """The image's health check follows PORT: it is well with the service, and is not where nothing listens."""
    container.run("python", "alive.py")
    nowhere = container.start("python", "alive.py", PORT="1")
    assert nowhere.communicate(timeout=60)[0].startswith("not alive")
    assert nowhere.returncode == 1


def test_job(url, key):
    """With CHURN_JOB_WORKER a job worker in the container scores a file."""
    headers = {"X-API-Key": key}
    table = "customer_id,age,tenure,monthly_charges\n" + "".join(f"{row},35,24,65.5\n" for row in range(500))
    job = requests.post(f"{url}/api/v1/jobs", files={"file": ("t.csv", table)}, headers=headers, timeout=10).json()
    for _ in range(120):
        reported = requests.get(f"{url}/api/v1/jobs/{job['id']}", headers=headers, timeout=10).json()
        if reported["state"] in ("succeeded", "failed"):
            break
        time.sleep(0.5)
    assert (reported["state"], reported["rows"]) == ("succeeded", 500)


def test_secrets_from_files(container, data):
    """A secret may stand in a file that a variable names, and is not shown."""
    (data / "pepper").write_text("s" * 40 + "\n")
    process = container.start("churn-api", "config", CHURN_KEY_PEPPER_FILE="/data/pepper")
    reported = process.communicate(timeout=60)[0]
    assert process.returncode == 0, reported
    assert "s" * 40 not in reported
