"""Servers of other systems with a pipeline of ours: MLflow's scoring server, and MLServer. Each has an environment."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.nginx import free_port
from benchmarks.servers import NO_LOG, ROOT, WORKERS, Server, wait_until_ready

MLFLOW, MLSERVER = "MLflow", "MLServer"
ENVIRONMENTS = {name: ROOT / f".venv-bench-{name.lower()}" for name in (MLFLOW, MLSERVER)}
START_SECONDS = 120
"""How long a start may take; each worker imports pandas, scikit-learn and more."""
_SAVE = """
import sys, joblib, mlflow.sklearn
pipeline, folder = sys.argv[1:]
options = {"pyfunc_predict_fn": "predict_proba", "serialization_format": "cloudpickle"}
mlflow.sklearn.save_model(joblib.load(pipeline), folder, **options)
"""


def installed() -> list[str]:
    """Those whose environment is here."""
    return [name for name, folder in ENVIRONMENTS.items() if (folder / "bin/python").exists()]


@contextmanager
def protocol_server(name: str, bundle: Path, folder: Path) -> Iterator[Server]:
    """One with the pipeline of a bundle, until the block ends. `folder` is empty, for what it needs."""
    port = free_port()
    command, ready = {MLFLOW: _mlflow, MLSERVER: _mlserver}[name](bundle / "model.joblib", folder, port)
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(ENVIRONMENTS[name] / "bin" / command[0]), *command[1:]],
        cwd=folder,
        env=_environment(name),
        stdout=NO_LOG.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url + ready, process, seconds=START_SECONDS)
        yield Server(name, url, [psutil.Process(process.pid)], time.perf_counter() - started)
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it has started; some of them ignore the polite signal."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _mlflow(pipeline: Path, folder: Path, port: int) -> tuple[list[str], str]:
    model, python = folder / "model", ENVIRONMENTS[MLFLOW] / "bin/python"
    command = [str(python), "-c", _SAVE, str(pipeline), str(model)]
    subprocess.run(command, cwd=ROOT, env=_environment(MLFLOW), check=True, capture_output=True)
    options = ["--model-uri", str(model), "--env-manager", "local", "--port", str(port), "--workers", str(WORKERS)]
    return ["mlflow", "models", "serve", *options], "/ping"


def _mlserver(pipeline: Path, folder: Path, port: int) -> tuple[list[str], str]:
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    (folder / "settings.json").write_text(
        json.dumps({"debug": False, "host": "127.0.0.1", "parallel_workers": WORKERS} | ports)
    )
    parameters = {"uri": str(pipeline), "content_type": "pd", "extra": {"predict_fn": "predict_proba"}}
    model = {"name": "boosting", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": parameters}
    (folder / "model-settings.json").write_text(json.dumps(model))
    return ["mlserver", "start", "."], "/v2/models/boosting/ready"


def _environment(name: str) -> dict[str, str]:
    """Of a process that finds what its pipeline is made of."""
    path = f"{ENVIRONMENTS[name] / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
