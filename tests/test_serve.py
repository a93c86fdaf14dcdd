"""The real thing: gunicorn with the project's own configuration."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from builders import CUSTOMER
from conftest import ROOT
from scrapes import until

from churn_api.registry.model import load_model

SMALL = "/api/v1/predict/small"


def test_many_clients(serve, models_dir):
    """Two workers forked from one loaded application answer many clients at once, each with the model's own number."""
    model = load_model(models_dir / "small" / "2")
    records = [CUSTOMER | {"tenure": tenure} for tenure in range(200)]
    expected = [model.score(model.reader.read_one(json.dumps(record).encode()).columns)[0] for record in records]
    with serve(models_dir) as server, ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda record: requests.post(server.url + SMALL, json=record, timeout=30), records))
    assert [answer.status_code for answer in answers] == [200] * 200
    assert [answer.json()["churn_probability"] for answer in answers] == expected
    assert {answer.headers["Server"] for answer in answers} == {"gunicorn"}, "no server version is disclosed"


def test_greeting(serve, models_dir):
    """A server says which line to try and where its page is, and the line works as it is printed."""
    with serve(models_dir) as server:
        (said,) = [line for line in map(json.loads, server.log.splitlines()) if line["event"] == "Ready"]
        answer = subprocess.run(said["try_it"], shell=True, capture_output=True, text=True, check=True).stdout  # noqa: S602
        assert '"customer_id":"CUST001"' in answer
        assert said["read_about_it"] == f"{server.url}/docs"


def test_greeting_of_people(serve, models_dir):
    """Where the log is text, the line to try stands by itself, to be copied."""
    with serve(models_dir, CHURN_LOG_FORMAT="text") as server:
        assert [line for line in server.log.splitlines() if line.startswith("  curl -s http")]
        assert f"  {server.url}/docs\n" in server.log


def test_stops_at_once(serve, models_dir):
    """On SIGTERM every worker ends within moments: none hangs in a library that does not survive a fork."""
    with serve(models_dir, CI="") as server:
        assert requests.post(server.url + SMALL, json=CUSTOMER, timeout=30).status_code == 200
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=30)
        assert time.monotonic() - started < 10


def test_stopped_while_workers_start(models_dir, tmp_path):
    """A SIGTERM that comes while a worker starts ends it once it has started: the signal is not lost."""
    slow = tmp_path / "slow.conf.py"
    project = str(ROOT / "gunicorn.conf.py")
    slow.write_text(f"exec(open({project!r}).read())\nimport time\ndef post_fork(server, worker): time.sleep(1)\n")
    command = [Path(sys.executable).with_name("gunicorn"), "-c", slow, "-b", "127.0.0.1:0", "wsgi:app"]
    log = tmp_path / "log"
    with log.open("w") as stream:
        environment = os.environ | {"CHURN_MODELS_DIR": str(models_dir)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream)
    for _ in range(400):
        if "Booting worker" in log.read_text():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    process.wait(timeout=60)
    assert time.monotonic() - started < 10


def test_one_thread_before_the_fork(serve, models_dir):
    """The master that workers are forked from has no other threads, so they inherit no lock that none releases."""
    with serve(models_dir, CI="") as server:
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1


def test_killed_worker_is_replaced(serve, models_dir):
    """A worker killed with SIGKILL is replaced, and the new one answers with the models loaded before the fork."""
    with serve(models_dir, workers=1) as server:
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        answer = requests.post(server.url + SMALL, json=CUSTOMER, timeout=30)
        assert answer.status_code == 200
        assert server.workers() != [worker]


def test_a_worker_loads_no_training_libraries(serve, models_dir):
    """A worker that has answered from ONNX has loaded neither scikit-learn, SciPy, pandas, pyarrow nor skl2onnx."""
    with serve(models_dir, workers=1) as server:
        for path in (SMALL, "/api/v1/batch-predict/small"):
            requests.post(server.url + path, json=CUSTOMER, timeout=30)
        requests.get(server.url + "/openapi.json", timeout=30)
        maps = "".join(Path(f"/proc/{worker}/maps").read_text() for worker in server.workers())
    assert "/onnxruntime/" in maps
    assert not [name for name in ("sklearn", "scipy", "pandas", "pyarrow", "skl2onnx") if f"/{name}/" in maps]


def test_nothing_of_training_is_imported(models_dir):
    """Making an application and answering a request imports no training library, in pure Python either."""
    code = (
        "import sys; from churn_api.app import create_app\n"
        f"client = create_app({{'MODELS_DIR': {str(models_dir)!r}}}).test_client()\n"
        f"assert client.post({SMALL!r}, json={CUSTOMER!r}).status_code == 200\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "onnxruntime" in loaded.split()
    assert not {"sklearn", "scipy", "pandas", "pyarrow", "skl2onnx", "onnx", "joblib"} & set(loaded.split())


def test_not_ready_without_models(serve, tmp_path):
    """Without a model the server starts, says so, and is not ready."""
    with serve(tmp_path / "nowhere") as server:
        assert requests.get(f"{server.url}/health/live", timeout=30).status_code == 200
        assert requests.get(f"{server.url}/health/ready", timeout=30).status_code == 503
        assert "Not ready: the models folder holds no model named 'default'" in server.log


def test_bad_setting_stops_the_start(models_dir):
    """A setting that cannot be used stops the start with one line that names it."""
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    bad = os.environ | {"CHURN_MAX_BATCH_ROWS": "none"}
    done = subprocess.run([gunicorn, "wsgi:app"], cwd=ROOT, env=bad, capture_output=True, text=True)
    assert done.returncode == 1
    assert "CHURN_MAX_BATCH_ROWS: Not a valid integer." in done.stderr
    assert "Traceback" not in done.stderr


def test_flask_run(models_dir):
    """`flask --app wsgi` finds the application too."""
    flask = str(Path(sys.executable).with_name("flask"))
    environment = os.environ | {"CHURN_MODELS_DIR": str(models_dir)}
    done = subprocess.run([flask, "--app", "wsgi", "routes"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "/api/v1/predict/<model>" in done.stdout, done.stderr


def test_garbage_is_collected(serve, models_dir, tmp_path):
    """Workers collect garbage, after the start and after a reload, although collection is off while modules load."""
    config = tmp_path / "gunicorn.conf.py"
    output = "def post_fork(server, worker):\n    print(f'collects: {gc.isenabled()}', flush=True)\n"
    config.write_text(f"exec(open({str(ROOT / 'gunicorn.conf.py')!r}).read())\n{output}")
    with serve(models_dir, workers=1, GUNICORN_CMD_ARGS=f"--config {config}") as server:
        until(lambda: "collects: " in server.log)
        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: server.log.count("collects: ") == 2)
        assert server.log.count("collects: True") == 2
